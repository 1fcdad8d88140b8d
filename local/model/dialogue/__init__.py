"""A dialogue without a language model: tables of what callers say and of what an agent answers.

The engine sees nothing but the Converse request. The way through it:

``conversation`` takes the messages apart into exchanges, ``words`` and ``codes`` read what was said, ``intents`` names
it, ``talk`` puts together what is known and what was asked last, a list of rules (``manners``, ``airline``,
``general``) finds the reply, ``lines`` words it. The same request always gets the same answer.
"""
