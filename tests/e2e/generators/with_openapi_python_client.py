"""By openapi-python-client, whose package is named after the document's title."""

import json
import sys
import time

from backburner_client.api.word_count import get_word_count_by_signature, post_word_count
from backburner_client.models import Accepted, WordCountParameters, WordCountResult

from backburner_client import Client

with Client(sys.argv[1]) as client:
    answer = post_word_count.sync(client=client, body=WordCountParameters(text=sys.argv[2]))
    while isinstance(answer, Accepted):
        time.sleep(answer.retry_after)
        answer = get_word_count_by_signature.sync(answer.signature, client=client)
assert isinstance(answer, WordCountResult), answer
print(json.dumps({"words": answer.words.to_dict()}))
