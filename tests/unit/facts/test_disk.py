from ccci_host.facts.answers import Absent
from ccci_host.facts.collector import Answers
from ccci_host.facts.disk import Disk, disks
from ccci_host.facts.probes import FileSystem
from tests.unit.facts.host_answers import said

HALF_FULL = {"bytes": 1000, "bytes_free": 525, "bytes_available": 475, "inodes": 10, "inodes_free": 1}


def parse(status: dict[str, int]) -> Disk:
    disk = disks("/a").parse(Answers({FileSystem("/a"): said(status)}))["/a"]
    assert isinstance(disk, Disk)
    return disk


def test_use_is_counted_as_df_does_without_what_is_reserved_for_root() -> None:
    disk = parse(HALF_FULL)

    assert (disk.size, disk.available, disk.used_percent) == (1000, 475, 50.0)
    assert disk.inodes_used_percent == 90.0


def test_a_file_system_that_makes_inodes_as_it_needs_them_has_none_used() -> None:
    assert parse({**HALF_FULL, "inodes": 0, "inodes_free": 0}).inodes_used_percent == 0.0


def test_a_folder_that_is_not_there_is_absent() -> None:
    assert disks("/a").parse(Answers({FileSystem("/a"): Absent()})) == {"/a": Absent()}
