"""A secret shows itself to nobody who does not ask for it by name."""

import copy
import json
import logging
import pickle
import shlex
import traceback
from collections.abc import Callable

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from ccci_host.secret import MASK, Secret

TEXT = "correct-horse-battery"


class Holder(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=False)

    secret: Secret


def test_only_reveal_gives_the_text() -> None:
    assert Secret(TEXT).reveal() == TEXT


@pytest.mark.parametrize(
    "shown",
    [
        str(Secret(TEXT)),
        repr(Secret(TEXT)),
        f"{Secret(TEXT)}",
        f"{Secret(TEXT)!r:>40}",
        f"{Secret(TEXT):x}",
        "%s %r" % (Secret(TEXT), Secret(TEXT)),  # noqa: UP031 - this way too
        repr([Secret(TEXT)]),
        repr({"pat": Secret(TEXT)}),
        repr(Holder(secret=Secret(TEXT))),
        Holder(secret=Secret(TEXT)).model_dump_json(),
        repr(Holder(secret=Secret(TEXT)).model_dump()),
    ],
)
def test_every_other_way_to_text_gives_the_mask(shown: str) -> None:
    assert TEXT not in shown
    assert MASK in shown


def test_it_is_no_string_that_could_be_joined_quoted_or_written_as_json() -> None:
    secret = Secret(TEXT)
    uses: tuple[Callable[[], object], ...] = (
        lambda: " ".join([secret]),  # type: ignore[list-item]  # what it must refuse
        lambda: "a" + secret,  # type: ignore[operator]  # what it must refuse
        lambda: shlex.quote(secret),  # type: ignore[arg-type]  # what it must refuse
        lambda: json.dumps({"pat": secret}),
    )
    for use in uses:
        with pytest.raises(TypeError):
            use()


def test_it_does_not_travel_by_pickle_and_has_no_dictionary() -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(Secret(TEXT))
    with pytest.raises(TypeError):
        copy.deepcopy(Secret(TEXT))
    assert not hasattr(Secret(TEXT), "__dict__")


def test_a_traceback_and_a_log_line_show_the_mask(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("the PAT is %s", Secret(TEXT))
    assert TEXT not in caplog.text
    try:
        raise ValueError(Secret(TEXT))
    except ValueError as error:
        assert TEXT not in "".join(traceback.format_exception(error))


def test_a_model_refuses_plain_text_in_its_place() -> None:
    with pytest.raises(ValidationError):
        Holder.model_validate({"secret": TEXT})


def test_equality_and_truth_work_without_showing() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert Secret("a")
    assert not Secret("")
