"""What goes wrong in the agent: a sentence for the journal and a non-zero exit."""


class AgentError(Exception):
    """Something that the operator should read. The text is the whole message."""


class UnreadableError(AgentError):
    """Something that has to be known before anything may be deleted could not be read."""
