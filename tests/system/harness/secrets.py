# SPDX-License-Identifier: Apache-2.0
"""The canary: a text inside every password, token and secret URL, which must come out nowhere."""
import base64

CANARY = "S3CR3T-canary"


def secret(name):
    """A password of its own for one use, with the canary in it."""
    return f"{CANARY}-{name}"


def _base64_forms(text):
    """What of the text is the same in base64 whatever stands before and behind it."""
    forms = set()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + text.encode()).decode().rstrip("=")
        forms.add(encoded[(0, 2, 3)[shift]:-1])
    return forms


FORMS = {CANARY, CANARY.lower(), CANARY.encode().hex(), *_base64_forms(CANARY)}


def assert_no_secret(text, where):
    for form in FORMS:
        assert form not in text, f"a secret appears in {where}: ...{_around(text, form)}..."


def _around(text, form):
    at = text.index(form)
    return text[max(0, at - 80):at + len(form) + 20]
