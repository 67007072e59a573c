# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks stand on: the machine, the targets, the subjects, the rows, the report."""
