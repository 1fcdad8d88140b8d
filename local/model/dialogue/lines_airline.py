"""What the airline's agent says beside its answers: questions, offers, confirmations. Several ways each."""

from __future__ import annotations

from typing import Final

AIRLINE: Final[dict[str, tuple[str, ...]]] = {
    "ask_code": (
        "I can help with that. What's your six-character confirmation code?",
        "Happy to check. Could you give me your confirmation code?",
        "Sure. What's the confirmation code on your booking?",
    ),
    "ask_code_named": (
        "Thanks, {name}. And what's your six-character confirmation code?",
        "Thank you, {name}. Could you also give me your confirmation code?",
    ),
    "ask_code_again": (
        "I still need your confirmation code to open your booking. It's six letters and digits; could you spell it?",
        "To look that up I need the six-character confirmation code. You can spell it letter by letter.",
    ),
    "code_partial": (
        "I got {spelled}, but a confirmation code has six characters. Could you spell it once more?",
        "I heard {spelled}, and I need six characters. Could I have the code once more?",
    ),
    "code_keys": (
        "I got {spelled} from your keypad, but the code has letters too. Could you spell it out loud?",
    ),
    "keys_unasked": (
        "I got {spelled} from your keypad. What can I do for you?",
    ),
    "in_seat": (
        "Yes, you're in {seat} now. Is there anything else?",
    ),
    "code_where": (
        "It's the six letters and digits at the top of your booking e-mail. I need it to open the reservation.",
        "You'll find the confirmation code in your booking e-mail: six letters and digits. I do need it, I'm afraid.",
    ),
    "code_ready": (
        "Take your time. Just read me the confirmation code when you have it.",
    ),
    "looking_up": (
        "Let me pull that up.",
        "One moment while I look.",
        "Thanks, let me check.",
    ),
    "looking_for_seats": (
        "Let me see what's open.",
        "One moment, I'll check the seat map.",
    ),
    "changing": (
        "Okay, making that change.",
        "Sure, moving you now.",
    ),
    "not_found": (
        "I couldn't find a reservation under {spelled}. Could you give me the confirmation code once more?",
        "I don't see a booking with the code {spelled}. Could you spell it for me again?",
    ),
    "not_found_again": (
        "I still can't find it; I heard {spelled}. Could you check the confirmation code in your booking e-mail?",
    ),
    "lookup_failed": (
        "I'm sorry, I couldn't reach our booking system just now. Shall I try again?",
        "Sorry, our booking system isn't answering at the moment. Shall I try that once more?",
    ),
    "seats_failed": (
        "I'm sorry, I couldn't reach the seat map just now. Shall I try again?",
    ),
    "change_failed": (
        "I'm sorry, I couldn't reach the seating system, so nothing was changed. Shall I try again?",
    ),
    "change_taken": (
        "I'm sorry, {seat} has just been taken.",
    ),
    "change_unknown": (
        "I'm sorry, I lost contact before I could see whether that seat change went through. Shall I try again?",
    ),
    "changed": (
        "Done, you're in {seat} now. Is there anything else?",
        "All set: your new seat is {seat}. Anything else I can help with?",
        "You're in {seat} now. Anything else I can do for you?",
    ),
    "verified": (
        "It did go through: you're in {seat} now. Is there anything else?",
    ),
    "not_verified": (
        "The change didn't go through; you're still in {seat}. Shall I try again?",
    ),
    "ask_preference": (
        "Sure. Would you prefer a window or an aisle?",
        "Happy to. Window or aisle?",
    ),
    "ask_preference_remembered": (
        "Happy to. You usually like the {kind}; shall I look for that again, window or aisle?",
    ),
    "offer_many": (
        "I have {seats} open. Shall I move you to {first}?",
        "{seats} are free. Would you like me to move you to {first}?",
    ),
    "offer_many_kind": (
        "I have {seats} open {where}. Shall I move you to {first}?",
        "{seats} are free {where}. Would you like me to move you to {first}?",
    ),
    "offer_one": (
        "I have {seat} open. Shall I move you to {seat}?",
        "{seat} is free. Would you like me to move you to {seat}?",
    ),
    "offer_one_kind": (
        "{seat} is open {where}. Shall I move you to {seat}?",
        "I have {seat} {where}. Would you like me to move you to {seat}?",
    ),
    "no_seats": (
        "I'm sorry, I don't see any open seats on that flight.",
    ),
    "no_seats_kind": (
        "I'm sorry, there's no {kind} seat left. Shall I look for any other seat?",
    ),
    "seat_not_open": (
        "{seat} isn't open, I'm afraid, but {seats} are. Shall I move you to {first}?",
    ),
    "seat_not_open_one": (
        "{seat} isn't open, I'm afraid. Shall I move you to {other} instead?",
    ),
    "seat_is_yours": (
        "You're already in {seat}. Would you like me to look for a different seat?",
    ),
    "keep_seat": (
        "No problem, you'll stay in {seat}. Is there anything else?",
        "All right, I'll leave you in {seat}. Anything else I can help with?",
    ),
    "keep_seat_unknown": (
        "No problem, I'll leave your seat as it is. Is there anything else?",
    ),
    "back": (
        "Sorry we got cut off, {name}. Where would you like to pick up?",
    ),
    "back_unknown": (
        "Sorry we got cut off. What were we looking at?",
    ),
}  # fmt: skip
