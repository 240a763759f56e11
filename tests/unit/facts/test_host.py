from ccci_host.facts.answers import Absent, Present
from ccci_host.facts.collector import Answers
from ccci_host.facts.host import PYTHON, RELEASE, ROUTES, SYSTEMD, parse_host

DEBIAN = b'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n'
ROUTE_TABLE = (
    b"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    b"docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
    b"wlan0\t00000000\t01004D0A\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
    b"eth0\t00000000\t01004D0A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
)


def test_a_host_as_it_says_of_itself() -> None:
    host = parse_host(
        Answers(
            {
                RELEASE: Present(DEBIAN),
                PYTHON: Present(b"3.13.5\n"),
                SYSTEMD: Present(b"systemd 257 (257.7-1)\n+PAM +AUDIT\n"),
                ROUTES: Present(ROUTE_TABLE),
            }
        )
    )

    assert (host.os_id, host.os_name) == ("debian", "Debian GNU/Linux 13 (trixie)")
    assert (host.python, host.systemd) == ((3, 13, 5), 257)
    assert host.default_interface == "eth0", "the default route of the lowest metric"
    assert not host.keeps_etc_in_a_store


def test_a_host_that_says_nothing() -> None:
    host = parse_host(Answers({RELEASE: Absent(), PYTHON: Absent(), SYSTEMD: Absent(), ROUTES: Absent()}))

    assert (host.os_id, host.python, host.systemd, host.default_interface) == ("", (), None, "")


def test_nixos_keeps_its_etc_to_itself() -> None:
    answers = {RELEASE: Present(b"ID=nixos\n"), PYTHON: Absent(), SYSTEMD: Absent(), ROUTES: Absent()}

    assert parse_host(Answers(answers)).keeps_etc_in_a_store
