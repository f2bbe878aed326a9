"""Functions that a test sends to processes, which import them by this module's name."""

import os
import signal


def square(number):
    return number * number


def fails_at_seven(number):
    if number == 7:
        raise LookupError("seven")
    return number


def kills_itself_at_three(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number
