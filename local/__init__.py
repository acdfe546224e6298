"""The whole deployment of template.yaml in one process tree, without Docker or AWS: `make run`.

    front.py         HTTP → API Gateway's event → the request function → HTTP
    server.py        the front's sockets: clients that are slow, hostile or broken
    authorizer.py    who calls: what a token or an AWS signature says, without any check of it
    pump.py          a queue's messages → SQS's event → the worker and dead-letter functions
    function.py      a function's sandboxes: processes with one event at a time
    runtime.py       the inside of a sandbox
    moto_server.py   the table, the queues and the bucket, in a process of its own
    template.py      what template.yaml says about all of these

Where AWS documents a behaviour, this is it; where it does not, it is what others saw there. There
are no policies, no checks of tokens and signatures, no throttling, no fair queues, no memory
limits, no scaling, and nothing deletes expired items.
"""
