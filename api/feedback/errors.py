"""What can go wrong in a command, by its exit status.

FeedbackError
├── NothingFound   1  there is nothing to do this with: nothing labelled, no version before this one
└── WrongSetting   2  a setting must be changed, or something is away; nothing was changed
"""


class FeedbackError(Exception):
    """Root of these errors; its text is one sentence for whoever runs the command."""

    exit_status = 2


class NothingFound(FeedbackError):
    """There is nothing to do this with."""

    exit_status = 1


class WrongSetting(FeedbackError):
    """A setting must be changed, or the archive or the models are away."""
