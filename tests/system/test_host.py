# SPDX-License-Identifier: Apache-2.0
"""The kinds disk and memory against this host."""
import os
import shutil

from harness.exporter import OFTEN


def host(*dependencies):
    return {"dependencies": [{"name": name, "url": url, **OFTEN, **options}
                             for name, url, options in dependencies]}


def values(exporter, name):
    return {labels["value"]: value for labels, value
            in exporter.metrics().series("health_check_value", dependency=name)}


def test_memory_is_judged_by_what_is_available(start):
    config = host(("enough", "memory:", {"min_available": "1MiB"}),
                  ("too_little", "memory:", {"min_available": "100%"}))
    with start(config) as exporter:
        exporter.wait_for_state("enough", "up")
        exporter.wait_for_state("too_little", "down", "assertion")
        shown = values(exporter, "enough")
        assert shown["total_bytes"] == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        assert 0 < shown["available_bytes"] <= shown["total_bytes"]


def test_disk_is_judged_by_what_is_free(start, directory):
    config = host(("enough", f"disk:{directory}", {"min_free": "1MiB", "min_free_inodes": "10"}),
                  ("too_little", f"disk:{directory}", {"min_free": "100%"}),
                  ("too_few", f"disk:{directory}", {"min_free": "0%", "min_free_inodes": "100%"}),
                  ("absent", f"disk:{directory}/nothing", {}))
    with start(config) as exporter:
        exporter.wait_for_state("enough", "up")
        exporter.wait_for_state("too_little", "down", "assertion")
        exporter.wait_for_state("too_few", "down", "assertion")
        exporter.wait_for_state("absent", "down", "status")
        shown = values(exporter, "enough")
        assert shown["size_bytes"] == shutil.disk_usage(directory).total


def test_a_disk_that_fills_is_down_and_up_again(start, namespace, directory):
    namespace.run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(directory))
    config = host(("small", f"disk:{directory}", {"min_free": "50%"}))
    with start(config, namespace=namespace) as exporter:
        exporter.wait_for_state("small", "up")
        namespace.run("dd", "if=/dev/zero", f"of={directory}/fill", "bs=1M", "count=6")
        exporter.wait_for_state("small", "down", "assertion")
        namespace.run("rm", f"{directory}/fill")
        exporter.wait_for_state("small", "up")
