"""A local Plugchoice: the v3 API as far as a connector tool needs it, with faults and drift on demand.

It shares no code with the provider, on purpose: two independent readings of the API that tests hold against each other.

How a request travels: `protocol` (socket) > `gate` (log, faults, latency, rate limit) > `routes` (the API, thin) >
`state` (the chargers, which know nothing of HTTP). `control` is the side door by which tests and demos change things.
"""
