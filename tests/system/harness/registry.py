# SPDX-License-Identifier: Apache-2.0
"""The registry of the shared library, as a program that embeds it uses it."""
import ctypes
import math
import pathlib

from harness.exporter import PROGRAM

LIBRARY = pathlib.Path(PROGRAM).with_name("libhealth_exporter.so.0")
TEXT, OPENMETRICS, PROTOBUF = range(3)


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("message", ctypes.c_char * 256)]


class Refused(Exception):
    """What hx_registry_*() says when it gives no series."""


def _library():
    library = ctypes.CDLL(str(LIBRARY))
    text, pointer = ctypes.c_char_p, ctypes.c_void_p
    series = [pointer, text, text, ctypes.POINTER(text)]
    library.hx_registry_new.restype = pointer
    library.hx_registry_free.argtypes = [pointer]
    library.hx_registry_expose.restype = pointer
    library.hx_registry_expose.argtypes = [pointer, ctypes.c_int,
                                           ctypes.POINTER(ctypes.c_size_t)]
    for name in ("counter", "gauge"):
        function = getattr(library, f"hx_registry_{name}")
        function.restype, function.argtypes = pointer, [*series, ctypes.POINTER(Error)]
    library.hx_registry_histogram.restype = pointer
    library.hx_registry_histogram.argtypes = [*series, pointer, ctypes.c_size_t,
                                              ctypes.POINTER(Error)]
    library.hx_counter_add.argtypes = [pointer, ctypes.c_uint64]
    for name in ("hx_gauge_set", "hx_histogram_observe"):
        getattr(library, name).argtypes = [pointer, ctypes.c_double]
    return library


class Registry:
    def __init__(self):
        self._library = _library()
        self._free = ctypes.CDLL(None).free
        self._free.argtypes = [ctypes.c_void_p]
        self._registry = self._library.hx_registry_new()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._library.hx_registry_free(self._registry)

    def add(self, kind, name, text, labels, value):
        """Makes the series with that help and counts, sets or observes the value. Refused says
        what the library said."""
        flat = [part.encode() for pair in labels.items() for part in pair]
        array = (ctypes.c_char_p * (len(flat) + 1))(*flat, None)
        error = Error()
        more = (None, 0) if kind == "histogram" else ()
        series = getattr(self._library, f"hx_registry_{kind}")(
            self._registry, name.encode(), text.encode(), array, *more, ctypes.byref(error))
        if series is None:
            assert error.code != 0 and error.message
            raise Refused(error.message.decode())
        {"counter": lambda: self._library.hx_counter_add(series, int(value)),
         "gauge": lambda: self._library.hx_gauge_set(series, value),
         "histogram": lambda: self._library.hx_histogram_observe(series, math.fabs(value)),
         }[kind]()

    def page(self, page_format):
        size = ctypes.c_size_t()
        page = self._library.hx_registry_expose(self._registry, page_format, ctypes.byref(size))
        assert page is not None
        try:
            return ctypes.string_at(page, size.value)
        finally:
            self._free(page)
