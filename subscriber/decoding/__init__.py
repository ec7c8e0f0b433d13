"""Messages of Kafka Connect's JSON converter -> typed rows.

`decoder` goes through a batch; `envelope` finds the row in a message; `plan` says, for one schema, what is read of it;
`columns` knows the types of Kafka Connect and Debezium, and `datatypes` what the model gets of them.
"""

from subscriber.decoding.decoder import Decoder

__all__ = ["Decoder"]
