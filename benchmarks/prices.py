"""What AWS charges in us-east-1, in dollars, on 24 November 2026.

They are second-hand: AWS's own pages show most prices only in a browser. Check them there before
you rely on them.
"""

from dataclasses import dataclass

AWS = "https://aws.amazon.com"


@dataclass(frozen=True, slots=True)
class Price:
    what: str
    dollars: float
    per: str
    """How many of what it buys, in words."""
    page: str
    """AWS's own."""
    is_looked_up: bool = True
    """False: as the authors remembered it."""


MILLION, THOUSAND = 1e6, 1e3
API_REQUEST = Price(
    "API Gateway, HTTP API",
    1.00,
    "million requests, of the first 300 million",
    f"{AWS}/api-gateway/pricing/",
)
LAMBDA_REQUEST = Price(
    "Lambda, requests",
    0.20,
    "million",
    f"{AWS}/lambda/pricing/",
)
GB_SECOND = Price(
    "Lambda, arm64",
    13.3334,
    "million GB-seconds, of the first 7.5 billion",
    f"{AWS}/lambda/pricing/",
)
READ_UNIT = Price(
    "DynamoDB on demand, reads",
    0.125,
    "million units",
    f"{AWS}/dynamodb/pricing/on-demand/",
)
WRITE_UNIT = Price(
    "DynamoDB on demand, writes",
    0.625,
    "million units",
    f"{AWS}/dynamodb/pricing/on-demand/",
)
SQS_REQUEST = Price(
    "SQS, standard queue",
    0.40,
    "million requests, after the first",
    f"{AWS}/sqs/pricing/",
)
LOGS = Price(
    "CloudWatch, logs taken in",
    0.50,
    "GB",
    f"{AWS}/cloudwatch/pricing/",
)
METRIC = Price(
    "CloudWatch, own metrics",
    0.30,
    "metric and month",
    f"{AWS}/cloudwatch/pricing/",
)
ALARM = Price(
    "CloudWatch, alarms",
    0.10,
    "alarm and month",
    f"{AWS}/cloudwatch/pricing/",
)
DASHBOARD = Price(
    "CloudWatch, dashboard",
    3.00,
    "month",
    f"{AWS}/cloudwatch/pricing/",
)
S3_PUT = Price("S3 Standard, puts", 5.00, "million", f"{AWS}/s3/pricing/", is_looked_up=False)
S3_GET = Price("S3 Standard, gets", 0.40, "million", f"{AWS}/s3/pricing/", is_looked_up=False)
TABLE = Price(
    "DynamoDB, storage with its recovery",
    0.45,
    "GB and month",
    f"{AWS}/dynamodb/pricing/on-demand/",
    is_looked_up=False,
)
BUCKET = Price(
    "S3 Standard, storage", 0.023, "GB and month", f"{AWS}/s3/pricing/", is_looked_up=False
)
TRANSFER = Price(
    "Data to the internet",
    0.09,
    "GB, after 100 GB a month",
    f"{AWS}/ec2/pricing/on-demand/",
)
FARGATE_CPU = Price(
    "Fargate, arm64, processor",
    0.03238,
    "hour",
    f"{AWS}/fargate/pricing/",
)
FARGATE_GB = Price(
    "Fargate, arm64, memory",
    0.00356,
    "GB and hour",
    f"{AWS}/fargate/pricing/",
)
BALANCER = Price(
    "Load balancer, without its load",
    0.0225,
    "hour",
    f"{AWS}/elasticloadbalancing/pricing/",
    is_looked_up=False,
)
REDIS = Price(
    "Redis, cache.t4g.micro", 0.016, "hour", f"{AWS}/elasticache/pricing/", is_looked_up=False
)
MACHINE = Price(
    "EC2, t4g.small", 0.0168, "hour", f"{AWS}/ec2/pricing/on-demand/", is_looked_up=False
)
ADDRESS = Price("A public IPv4 address", 0.005, "hour", f"{AWS}/vpc/pricing/", is_looked_up=False)
DISK = Price("A disk, gp3", 0.08, "GB and month", f"{AWS}/ebs/pricing/", is_looked_up=False)

PRICES = [value for value in globals().copy().values() if isinstance(value, Price)]
