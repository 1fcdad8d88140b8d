"""A stand-in for Amazon Bedrock Runtime on loopback (design D13).

It speaks the wire format of ``Converse`` and ``ConverseStream``, judges every request as strictly as Bedrock does, and
answers with a scripted dialogue, or with a language model behind an OpenAI-compatible URL. Faults are set through
``/_control/behaviour``; what was asked can be read at ``/_control/requests``.

    python -m local.model --port 8101
"""
