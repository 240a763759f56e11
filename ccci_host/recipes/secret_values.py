"""Values for the secrets that a recipe needs, as the comments in its `.env` say.

`SECRET_DB_PASSWORD_VERSION=v1 # length=32 charset=alnum`: letters and digits, unless a
charset is named, or several joined by commas. `generate=false` is for a value that only a person can know.
"""

import secrets
import string
from collections.abc import Mapping

from ccci_host.secret import Secret

DEFAULT_LENGTH = 32
"""Characters, where the comment names none."""
MOST = 4096
"""Characters; Docker takes 500 kB, and no recipe means that."""

ALNUM = string.ascii_letters + string.digits
CHARSETS: Mapping[str, str] = {
    "default": ALNUM,
    "alnum": ALNUM,
    "alphanum": ALNUM,
    "alphanumeric": ALNUM,
    "alpha": string.ascii_letters,
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "numeric": string.digits,
    "digits": string.digits,
    "hex": "0123456789abcdef",
    "base64": ALNUM + "+/",
    "safespecial": "!@#%^&*_-+=",
    "special": "!@#$%^&*_-+=?.,:;~()[]{}<>|",
}


def generate(modifiers: Mapping[str, str]) -> Secret:
    """A fresh value by `length` and `charset` of `modifiers`; an unknown word means letters and digits."""
    said = modifiers.get("length", "")
    length = min(int(said), MOST) if said.isdecimal() and int(said) > 0 else DEFAULT_LENGTH
    words = modifiers.get("charset", "default").lower().split(",")
    alphabet = "".join(sorted({sign for word in words for sign in CHARSETS.get(word.strip(), ALNUM)}))
    return Secret("".join(secrets.choice(alphabet) for _ in range(length)))


def is_for_a_person(modifiers: Mapping[str, str]) -> bool:
    """Whether the comment says `generate=false`: a mail account's password, say."""
    return modifiers.get("generate", "").lower() in ("false", "0", "no")
