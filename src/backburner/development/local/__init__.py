"""The whole deployment of template.yaml in one process tree, without Docker or AWS: `make run`.

    http_api.py      HTTP → API Gateway's event → the request function → HTTP
    server.py        its sockets: copes with slow, hostile and broken clients
    loopback.py      refuses what pages of the web ask
    authorizer.py    the caller, from a token or an AWS signature that is not checked
    pump.py          a queue's messages → SQS's event → the worker and dead-letter functions
    function.py      a function's sandboxes: processes that handle one event at a time
    runtime.py       the inside of a sandbox
    log_lines.py     what a function prints, for people
    moto_server.py   the table, the queues and the bucket, in their own process
    kept.py          what is in them, in a file for the next run
    env_file.py      .env to where the worker reads it: what computations declare
    edits.py         an edit forgets what the former code has answered
    sam_local.py     the same with the API in Docker
    deployment.py    starts and ends them
    template.py      what template.yaml says about all of these

It behaves as AWS documents or, where AWS does not say, as others observed. It has no policies, no
checks of tokens and signatures, no throttling, no fair queues, no memory limits and no scaling,
and it does not delete expired items.
"""
