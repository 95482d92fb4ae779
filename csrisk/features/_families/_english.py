"""Whether a text is English, told conservatively: in doubt it is not."""

from __future__ import annotations

import re
from functools import cache

__all__ = ["reads_as_english"]

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
# no word of these is one of the languages below, so that one of them is a sign
_ENGLISH = """
the and this that these those with you your they them their there has been are were would could should from which when
what who why because about it its it's my our us i'm i've we're very too every than never always again after before
don't doesn't can't cannot isn't wasn't didn't won't wouldn't how much many some any only will does did can
nothing everything everybody while other another
"""
# German, French, Italian, Spanish, Portuguese, Dutch, Swedish, Danish and Norwegian, Polish, Czech, Turkish
_FOREIGN = """
der das und ist nicht ein eine einen einer dem den des mit für auf sich auch wir sie ich es sind wird wurde aber sehr
nur noch wie bei nach zum zur kein keine leider immer nie schon viel zu von im vom oder als wenn alles unser le la les
et est une un du pas que qui dans avec ce cette il elle nous vous je ne très trop mais jamais toujours au aux leur
notre sont sans rien tout lo gli è di che non con della del sono molto troppo ma più mai sempre anche nostro ci si
el los las y muy pero más nunca siempre está nos por para todo lento mala é não um uma muito mas de het een
en niet van zijn voor maar ook zeer wij ik geen altijd nooit heel erg te och gut mal är inte det ett som på för og er
ikke til av jest się na bardzo ale velmi ve bir bu çok için değil
"""
# words of the trade are said in every language, and are no sign of any
_TRADE = """
onboarding login logins rollout helpdesk workflow workflows saas upsell chatbot plugin api
"""
_SIGNS, _OTHER, _NEUTRAL = (frozenset(words.split()) for words in (_ENGLISH, _FOREIGN, _TRADE))
_NO_ENGLISH_WORD = ("FW", "NNP", "NNPS", "SYM")
_COVERED, _SIGNS_EACH = 0.6, 4


def reads_as_english(text: str) -> bool:
    """Tell whether the words of a text are English words.

    With a small word of English (the, and, you ...) six of ten words must be in the lexicon, else all of them; and each
    small word of another language needs four of English beside it. Words in capitals are names and do not count.
    """
    words = [word for word in _WORD.findall(text.replace("\u2019", "'")) if len(word) == 1 or not word.isupper()]
    # a text in capitals throughout has no names to leave out
    folded = [word.lower() for word in words] or [word.lower() for word in _WORD.findall(text)]
    folded = [word for word in folded if word not in _NEUTRAL]
    if not folded:
        return False
    signs = sum(word in _SIGNS for word in folded)
    if signs < _SIGNS_EACH * sum(word in _OTHER for word in folded):
        return False
    known = sum(word in _SIGNS or _is_english_word(word) for word in folded)
    return known >= _COVERED * len(folded) if signs else known == len(folded)


@cache
def _is_english_word(word: str) -> bool:
    # an optional extra: loaded when the first text is scored
    from textblob.en import lexicon

    # the possessive is no entry of its own
    tag = lexicon.get(word) or lexicon.get(word.removesuffix("'s"))
    return tag is not None and tag not in _NO_ENGLISH_WORD
