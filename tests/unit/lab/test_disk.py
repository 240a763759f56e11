"""Reading the kernel's table of mounts."""

from pathlib import Path

from ccci_host.lab.disk import mount_points

TABLE = """\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
42 27 7:0 / /labs/my\\040lab/disks/classic rw,nodev - ext4 /dev/loop0 rw
65 27 7:1 / /labs/other rw - ext4 /dev/loop1 rw
"""


def test_mount_points_are_read_in_their_order_with_their_blanks(tmp_path: Path) -> None:
    (tmp_path / "mountinfo").write_text(TABLE)
    assert mount_points(tmp_path / "mountinfo") == (
        Path("/"),
        Path("/labs/my lab/disks/classic"),
        Path("/labs/other"),
    )


def test_the_kernel_s_own_table_is_understood() -> None:
    assert Path("/") in mount_points()
