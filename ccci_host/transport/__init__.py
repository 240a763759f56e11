"""The ways to a host: Incus for what is outside the machine, SSH or Incus for what runs inside."""
