"""What a line of the log quotes: readable, on one line, and always to be printed."""

from ccci_host.agent.logline import quoted


def test_it_is_one_line_of_readable_text() -> None:
    assert quoted('„zu voll“\n"x"') == '"„zu voll“\\n\\"x\\""'


def test_a_name_that_is_no_utf_8_can_be_printed() -> None:
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    assert quoted(name).encode() == b'"caf\\udce9"'
