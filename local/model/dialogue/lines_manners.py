"""What every agent says: greetings, apologies, goodbyes. Several ways each."""

from __future__ import annotations

from typing import Final

MANNERS: Final[dict[str, tuple[str, ...]]] = {
    "hello": (
        "Hello! How can I help you today?",
        "Hi there! What can I do for you?",
        "Hello, thanks for calling. How can I help?",
    ),
    "hello_company": (
        "Hello, this is {company}. How can I help you today?",
        "Hi, you've reached {company}. What can I do for you?",
    ),
    "hello_again": (
        "I'm here. What can I do for you?",
        "Yes, I'm with you. How can I help?",
    ),
    "hello_back": (
        "Yes, I'm here. Shall we go on with your reservation?",
        "I'm here, and I have our last conversation. Shall I go on with your reservation?",
    ),
    "go_ahead": (
        "Sure, go ahead.",
        "Of course. I'm listening.",
        "No problem. What would you like to know?",
    ),
    "take_your_time": (
        "Take your time.",
        "No rush, I'm here.",
    ),
    "cancelled": (
        "No problem, we'll leave it at that. Is there anything else I can help with?",
        "All right, forgotten. What else can I do for you?",
    ),
    "who": (
        "I'm {who}, an automated assistant. How can I help?",
        "This is {who}. I'm an automated assistant, but I'll do my best to help.",
    ),
    "abilities_airline": (
        "I can check your flight, its times and its gate, and I can change your seat. What would you like to do?",
        "I can check your flight and your booking, and I can change your seat. Where shall we start?",
    ),
    "abilities": (
        "I'm here to help as {role}. What would you like to know?",
    ),
    "well": (
        "I'm doing well, thanks for asking. How can I help you?",
        "Very well, thank you. What can I do for you today?",
    ),
    "sorry_angry": (
        "I'm sorry, I know that's frustrating.",
        "I understand, and I'm sorry about that.",
        "I'm really sorry for the trouble.",
    ),
    "angry_code": (
        "Let me see what I can do: what's your six-character confirmation code?",
        "If you give me your confirmation code, I'll check your flight right away.",
    ),
    "angry_more": (
        "What can I do to help?",
        "Tell me what you need, and I'll do what I can.",
    ),
    "welcome": (
        "You're welcome! Is there anything else I can help with?",
        "My pleasure. Anything else I can do for you?",
        "Happy to help. Is there anything else?",
    ),
    "anything_else": (
        "Is there anything else I can help with?",
        "Anything else I can do for you?",
    ),
    "gladly": (
        "I can help with that.",
        "Happy to help.",
        "Of course.",
    ),
    "noted": (
        "Thanks.",
        "Got it.",
        "All right.",
    ),
    "what_is_it": (
        "Sure. What would you like to know?",
        "Of course. What is it?",
    ),
    "farewell": (
        "Thanks for calling{company}. Have a great day. Goodbye!",
        "Thank you for calling{company}. Take care, goodbye!",
        "You're all set. Thanks for calling{company}, and goodbye!",
    ),
    "farewell_sms": (
        "You're welcome, and thanks for writing to{us}. Have a great day!",
    ),
    "transferring": (
        "Of course. I'll put you through to a colleague now.",
        "Sure, let me connect you with a colleague.",
    ),
    "came_back": (
        "I'm sorry, {why}, so you're back with me. What can I do for you meanwhile?",
        "It's me again; {why}. I'm sorry about that. Is there something I can help with?",
    ),
    "no_transfer": (
        "I'm sorry, I can't connect you to a colleague from here, but I'll help as much as I can. What do you need?",
        "I can't transfer this call, I'm afraid. Tell me what it's about, and I'll see what I can do.",
    ),
    "english_only": (
        "I'm sorry, I can only help in English on this line.",
    ),
    "off_topic": (
        "That's a bit outside what I can do. Is there something about {field} I can help with?",
        "I'm afraid I can only help with {field}. What can I do for you there?",
    ),
    "not_understood": (
        "I'm sorry, I didn't quite get that. Could you say it another way?",
        "Sorry, I'm not sure I understood. What would you like help with?",
        "I want to be sure I help with the right thing. Could you say that once more?",
    ),
    "nothing_to_repeat": (
        "I haven't said much yet. How can I help you?",
    ),
    "repeat": (
        "Of course. ",
        "Sure. ",
        "No problem. ",
    ),
    "no_cards": (
        "Please don't read me your card number; for your safety I can't take it in a conversation.",
    ),
}  # fmt: skip
