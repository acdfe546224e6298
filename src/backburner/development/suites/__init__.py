"""What holds for every computation and every deployment: run by `backburner test`.

test_computations.py   each file in computations/
test_contract.py       the HTTP API, at BACKBURNER_URL or on this machine
conftest.py            which of them
api.py questions.py    a client that does as it is told, and what it asks
"""
