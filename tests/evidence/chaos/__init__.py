"""The local deployment under load, while workers are killed and calls to AWS fail: `make chaos`.

experiment.py      all of it, from the deployment to what was seen
clients.py         who asks: they do as Retry-After and Location say, and keep what they were told
disturbances.py    workers are killed, the request function is restarted
faulty_aws.py      between the functions and moto: calls fail, writes are noted
computations/      one that notes when it begins and ends
verdict.py         whether anything was lost or computed twice, and the figures
"""
