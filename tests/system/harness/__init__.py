# SPDX-License-Identifier: Apache-2.0
"""What the system tests stand on: the program, real servers, faults, and their watcher."""
