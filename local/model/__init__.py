"""A stand-in for Amazon Bedrock Runtime on loopback (design D13).

It speaks the wire format of ``Converse`` and ``ConverseStream``, judges every request as strictly as Bedrock does, and
answers with a scripted dialogue, or with a language model behind an OpenAI-compatible URL:

    python -m local.model --port 8101
    python -m local.model --port 8101 --openai-url http://127.0.0.1:11434/v1 --openai-model llama3

Control, for tests, scripted calls and the console:

| request | does |
|---|---|
| ``GET /healthz`` | 200 when it serves |
| ``GET /_control/faults`` | names of all faults and what they do |
| ``GET /_control/behaviour`` | the behaviour in force |
| ``PUT /_control/behaviour`` | replaces it; ``{}`` is no fault at the server's own pace |
| ``GET /_control/requests`` | the newest requests and how each ended, and counts of all |
| ``GET /_control/requests/{request_id}`` | what was asked, whole |
| ``DELETE /_control/requests`` | forgets them |

A behaviour is an object of ``first_token_ms``, ``token_ms``, ``late_headers``, ``fault``, ``after_tokens``, ``times``,
``models``, ``when_contains``, ``exception``, ``stop_reason``, ``script`` and ``rules``; see the modules ``behaviour``
and ``faults``.
For example, the first model throttles twice while its stand-in stalls after two tokens:

    {"rules": [{"fault": "throttle", "times": 2, "models": ["us.anthropic."]},
               {"fault": "stall_after", "after_tokens": 2, "models": ["us.amazon."]}]}

and the next two answers, word by word, then the dialogue again:

    {"script": [{"text": "One moment.", "tool": "end_call", "input": {"farewell": "Goodbye!"}},
                {"text": "There you are.", "token_ms": 200}]}
"""
