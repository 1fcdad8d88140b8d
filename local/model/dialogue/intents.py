"""What callers want beyond their subject: habits of talk, agreement, choices. Order within a table is priority."""

from __future__ import annotations

from typing import Final

from local.model.dialogue.phrases import Phrases, build_pattern, build_table, find_all

MANNERS: Final[Phrases] = {
    "goodbye": (
        "bye", "goodbye", "see you", "talk to you later", "hang up", "end the call", "you too", "same to you",
        "have a (good|nice|great) (one|day|evening|night)", "that (is|will be|would be) (all|it|everything)",
        "that is (all|it) for (now|today)", "nothing else", "i am (done|all set|good)", "we are done",
    ),
    "hold": (
        "wait", "hang on", "hold on", "one (second|moment|sec|minute)", "just a (second|moment|sec|minute)", "stop",
        "shut up", "be quiet", "excuse me", "let me (speak|talk|finish)", "sorry to interrupt",
    ),
    "cancel": (
        "never ?mind", "forget (it|about it|that)", "leave it", "do not bother", "skip (it|that)",
    ),
    "repeat": (
        "repeat", "say (that|it) again", "again please", "come again", "pardon", "what did you say",
        "did not (catch|hear|get)", "could not hear", "missed that", "what was that", "(one|once) more time", "slower",
        "louder", "^(sorry |um |uh )?(what|huh)( was that)?$", "^sorry$",
    ),
    "resume": (
        "^(yes )?(please )?(go on|continue|carry on|keep going|go ahead)( please)?$", "^(and )?(then|so|and)$",
        "^i am listening$",
    ),
    "thinking": (
        "^(um+|uh+|hm+|er+|well|let me (think|see|check)( .{0,20})?)( (um+|uh+|hm+|er+|well))*$",
    ),
    "cut_off": (
        "cut off", "got disconnected", "call dropped", "dropped call", "lost (you|the (line|call|connection))",
        "calling back", "where were we", "picking up where",
    ),
    "human": (
        "human", "(real|actual) person", "representative", "supervisor", "manager", "live (agent|person)", "operator",
        "(speak|talk|put me through|get me) (to|with) (an? |the )?(person|agent|colleague)",
        "(connect|transfer) me (to|with) (an? |the )?(person|agent|colleague)",
        "(speak|talk|connect me|transfer me|put me through) (to|with) (some|any)(one|body|people|staff)",
        "get me (someone|somebody|an? (person|agent))",
    ),
    "identity": (
        "who are you", "who is this", "who am i (speaking|talking) (to|with)", "what are you", "your name",
        "are you (an? )?(robot|bot|machine|computer|ai|real|human|person|recording)",
        "is this (an? )?(robot|bot|recording|ai)",
    ),
    "abilities": (
        "what (can|do) you do", "what can you help", "how can you help", "what are my options", "^help( me)?$",
        "what else can you",
    ),
    "how_are_you": ("how are you", "how is it going", "how do you do", "how is your day"),
    "angry": (
        "ridiculous", "unacceptable", "terrible", "awful", "angry", "furious", "mad", "upset", r"frustrat\w*", "worst",
        r"disgrace\w*", "useless", "stupid", "joke of", "sick of", "fed up", "damn", "hell", "crap", "shit", r"fuck\w*",
        "bullshit", "incompetent", "outrageous", r"annoy\w*",
    ),
    "thanks": ("thanks", "thank you", "thx", "cheers", "appreciate", "that helps", "perfect", "wonderful",
               "you are (great|awesome|amazing|the best|wonderful)", "great job"),
    "greeting": ("^(hi|hello|hey|good (morning|afternoon|evening)|hiya|yo|howdy)",),
    "other_language": (
        "hola", "habla", "espanol", "español", "bonjour", "parlez", "sprechen", "deutsch", "guten tag", "ciao",
        "por favor", "gracias",
    ),
    "off_topic": (
        "weather", "joke", "sing", "song", "recipe", "football", "baseball", "politics", "president", "stock market",
        "bitcoin", "meaning of life", "movie", "poem", "story", "capital of", "homework", "python", "code for",
        "love you", "marry",
    ),
}  # fmt: skip
_FILLERS: Final = "((um|uh|oh|well|so|actually|okay|ok|mm) )*"
YES: Final = build_pattern(
    (
        rf"^{_FILLERS}(yes|yeah|yep|yup|ya|sure|of course|absolutely|definitely|please( do)?|affirmative)",
        rf"^{_FILLERS}(correct|right|exactly|ok|okay|alright|sounds good|go (for it|ahead)|do it|perfect|fine|great)",
        rf"^{_FILLERS}that (is|works|one|would be)( is)?( fine| good| great| perfect| right| correct)?",
        rf"^{_FILLERS}(why not|uh huh|mm hm+|make the change|i would( like that)?$|i do$|let us do (it|that))",
        rf"^{_FILLERS}((i|we) (will|can|would like to) |can i |let us |let me )?(book|take|have) (it|that|this)( one)?",
        rf"^{_FILLERS}(that sounds|works|lovely|excellent|awesome|cool)",
    )
)
NO: Final = build_pattern(
    (
        rf"^{_FILLERS}(no|nope|nah|not (really|now|yet|today|that)|do not|negative|neither|none|wrong|incorrect)",
        rf"^{_FILLERS}(i (do not|would rather not)( think so)?|rather not)",
    )
)
NO_CODE: Final = build_pattern(
    (
        "(do not|cannot|did not|no)( .{0,30})? (have|know|find|got|get) (.{0,30} )?(it|code|one|number|that|email)",
        "(do not|cannot|did not) (remember|recall)",
        "(lost|forgot|forgotten) (.{0,20} )?(it|code|number|email|confirmation)",
        "^i do not (have|know)( it| one| that)?$", "no idea", "where (do|can) i find (.{0,20} )?(code|it|that)",
        "what (is|do you mean by) (a |the |my )?confirmation (code|number)",
    )
)  # fmt: skip
HAS_CODE: Final = build_pattern(
    ("i have (it|my code|the code|my confirmation)", "here it is", "let me (get|find|look)", "ready")
)
KIND: Final = build_pattern(("window", "aisle", "middle"))
ANY_SEAT: Final = build_pattern(
    (
        "any", "either", "anything", "whatever", "whichever", "does not matter", "do not (care|mind)", "no preference",
        "you (choose|pick|decide)", "both", "surprise me", "(front|back|rear)", "up to you",
    )
)  # fmt: skip
CABINS: Final = build_table(
    {
        "first": ("first class",),
        "business": ("business( class)?",),
        "premium": ("premium( economy)?",),
        "economy": ("economy", "coach", "main cabin"),
    }
)
_MANNERS: Final = build_table(MANNERS)


def find_manners(words: str) -> tuple[str, ...]:
    """Every habit of talk in an utterance, by priority."""
    return tuple(name for _, name in find_all(_MANNERS, words))


def is_yes(words: str) -> bool:
    """Whether an utterance agrees."""
    return bool(YES.search(words)) and not NO.search(words)


def is_no(words: str) -> bool:
    """Whether an utterance declines."""
    return bool(NO.search(words))


def find_preference(words: str) -> str:
    """``window``, ``aisle``, ``middle``, ``any``, or ``""``."""
    found = KIND.search(words)
    if found:
        return found[0]
    return "any" if ANY_SEAT.search(words) else ""


def find_cabin(words: str) -> str:
    """``first``, ``business``, ``premium``, ``economy``, or ``""``."""
    return next((name for _, name in find_all(CABINS, words)), "")
