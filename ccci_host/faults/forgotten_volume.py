"""A teardown that forgets the volumes, and does not see that they are left."""

from ccci_host.faults.bug import Bug


class ForgottenVolume(Bug):
    """The teardown leaves the stack's volumes behind, and says that nothing is left."""

    name = "teardown-forgets-volume"
    task = "verify-pc1"
    check = "teardown-is-clean"
    because = "Left behind: volume "
    changes = (
        (
            '            *(("volume", one["Name"], volume_path(one["Name"])) for one in '
            'labelled("volumes", stack)),\n',
            "",
        ),
        ('for kind in ("config", "volume"):', 'for kind in ("config",):'),
    )


FAULT = ForgottenVolume()
