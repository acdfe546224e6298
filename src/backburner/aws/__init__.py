"""How AWS is called.

time_limits.py   the bounds of every wait, for botocore and the light client
light_client.py  signed calls to DynamoDB and SQS without botocore
environment.py   whether the light client can do what the environment says
"""
