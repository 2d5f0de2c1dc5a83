"""A local Plugchoice: the part of the v3 API that a connector tool needs, with faults and edits on demand.

It shares no code with the provider: tests compare the two, so each is written from the API's documentation alone.

The path of a request: `protocol` (socket), `middleware` (log, rate limit, latency, faults), `routes` (the API),
`inventory` (chargers, sites and tokens; knows nothing of HTTP). Tests and demos change things through `control`.
"""
