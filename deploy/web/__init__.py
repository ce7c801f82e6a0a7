"""The HTTP face of Entente: translate a sentence, browse the catalogue, hold a conversation.

    gate      in front of every route: who asks, how often, how many bytes, strict JSON
    problems  every error as {code, message, metadata}; never a stack trace
    rate      a token bucket per tenant
    tokens    bearer tokens that name a tenant
    metrics   counters and latencies in the Prometheus text format
    schema    requests and answers, published as OpenAPI
    app       the routes; plain ASGI, so it runs under Ray Serve, uvicorn or a test alike

Text has no authority here either: a route does for a tenant what its gRPC calls could do.
"""
