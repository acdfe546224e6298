"""What AWS charges in us-east-1, in dollars, on 24 November 2026.

AWS's own pages show most of these only in a browser. So each was read at another place, which is
named and has its own date; where there is none, it is as known to us. Check before you rely on it.
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
    read_at: str = ""


MILLION, THOUSAND = 1e6, 1e3
API_REQUEST = Price(
    "API Gateway, HTTP API",
    1.00,
    "million requests, of the first 300 million",
    f"{AWS}/api-gateway/pricing/",
    "https://www.apigatewaycost.com/aws",
)
LAMBDA_REQUEST = Price(
    "Lambda, requests",
    0.20,
    "million",
    f"{AWS}/lambda/pricing/",
    "https://cloudchipr.com/blog/aws-lambda-pricing",
)
GB_SECOND = Price(
    "Lambda, arm64",
    13.3334,
    "million GB-seconds, of the first 7.5 billion",
    f"{AWS}/lambda/pricing/",
    "https://cloudchipr.com/blog/aws-lambda-pricing",
)
READ_UNIT = Price(
    "DynamoDB on demand, reads",
    0.125,
    "million units",
    f"{AWS}/dynamodb/pricing/on-demand/",
    "https://airbyte.com/data-engineering-resources/dynamodb-pricing",
)
WRITE_UNIT = Price(
    "DynamoDB on demand, writes",
    0.625,
    "million units",
    f"{AWS}/dynamodb/pricing/on-demand/",
    "https://airbyte.com/data-engineering-resources/dynamodb-pricing",
)
SQS_REQUEST = Price(
    "SQS, standard queue",
    0.40,
    "million requests, after the first",
    f"{AWS}/sqs/pricing/",
    "https://www.factualminds.com/blog/amazon-sqs-pricing-64kb-rule-fifo-vs-standard/",
)
LOGS = Price(
    "CloudWatch, logs taken in",
    0.50,
    "GB",
    f"{AWS}/cloudwatch/pricing/",
    "https://hivebook.wiki/wiki/cloudwatch-logs-cost-never-expire-retention-and-cardinality-blowups",
)
METRIC = Price(
    "CloudWatch, own metrics",
    0.30,
    "metric and month",
    f"{AWS}/cloudwatch/pricing/",
    "https://signoz.io/guides/cloudwatch-pricing",
)
ALARM = Price(
    "CloudWatch, alarms",
    0.10,
    "alarm and month",
    f"{AWS}/cloudwatch/pricing/",
    "https://c3x.dev/resources/aws/aws_cloudwatch_metric_alarm",
)
DASHBOARD = Price(
    "CloudWatch, dashboard",
    3.00,
    "month",
    f"{AWS}/cloudwatch/pricing/",
    "https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/",
)
S3_PUT = Price("S3 Standard, puts", 5.00, "million", f"{AWS}/s3/pricing/")
S3_GET = Price("S3 Standard, gets", 0.40, "million", f"{AWS}/s3/pricing/")
TABLE = Price(
    "DynamoDB, storage with its recovery",
    0.45,
    "GB and month",
    f"{AWS}/dynamodb/pricing/on-demand/",
)
BUCKET = Price("S3 Standard, storage", 0.023, "GB and month", f"{AWS}/s3/pricing/")
TRANSFER = Price(
    "Data to the internet",
    0.09,
    "GB, after 100 GB a month",
    f"{AWS}/ec2/pricing/on-demand/",
    "https://amnic.com/blogs/aws-api-gateway-pricing",
)
FARGATE_CPU = Price(
    "Fargate, arm64, processor",
    0.03238,
    "hour",
    f"{AWS}/fargate/pricing/",
    "https://www.vantage.sh/blog/fargate-pricing",
)
FARGATE_GB = Price(
    "Fargate, arm64, memory",
    0.00356,
    "GB and hour",
    f"{AWS}/fargate/pricing/",
    "https://www.vantage.sh/blog/fargate-pricing",
)
BALANCER = Price(
    "Load balancer, without its load", 0.0225, "hour", f"{AWS}/elasticloadbalancing/pricing/"
)
REDIS = Price("Redis, cache.t4g.micro", 0.016, "hour", f"{AWS}/elasticache/pricing/")
MACHINE = Price("EC2, t4g.small", 0.0168, "hour", f"{AWS}/ec2/pricing/on-demand/")
ADDRESS = Price("A public IPv4 address", 0.005, "hour", f"{AWS}/vpc/pricing/")
DISK = Price("A disk, gp3", 0.08, "GB and month", f"{AWS}/ebs/pricing/")

PRICES = [value for value in globals().copy().values() if isinstance(value, Price)]
