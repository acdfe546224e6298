"""moto's server for many messages: python moto_counting.py FD

moto looks at every message of a queue three times when one is sent. Here it takes their number.
"""

import sys

from moto.sqs.models import Queue

from backburner.development.local import moto_server

COUNTED = ("", "_delayed", "_not_visible")

if __name__ == "__main__":
    for kind in COUNTED:
        name = f"approximate_number_of_messages{kind}"
        setattr(Queue, name, property(lambda queue: len(queue._messages)))
    moto_server.main(sys.argv[1])
