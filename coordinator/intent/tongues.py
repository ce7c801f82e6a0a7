"""What tells languages apart, and a question in each: data for `language`."""

# ruff: noqa: RUF001  # other languages have letters that look like ours

from __future__ import annotations

from collections.abc import Mapping

ENGLISH = frozenset(
    """
    a an and are as at be by can could do does each for from get give has have how i if in is it
    its keep let like make me must my need needs no not of on one only or our please should so
    than that the their them there they this to two under up us want we what when which will
    with within without would you your per every all set provide deploy create slice network low
    latency high speed over less more below between at most connect support enable reliable
    """.split()  # noqa: SIM905
)
"""English small words, and the words that requests begin with."""

_OTHERS = {
    "de": """
        auf aus bei bitte brauche brauchen wir das dem den der des die ein eine einem einen einer
        es fuer für haben hat hoechstens höchstens ich im ist kann können mit muss müssen nach
        nicht nur oder ohne sein sich sind soll sollen sowie über um und uns unser unsere unseren
        unter vom von vor was werden wie wird wollen zum zur zwischen latenz netz verbindung
        verfügbarkeit roboter geräte sekunde sekunden millisekunden netzwerk abschalten möchte
        möchten benötigen benötige jede jeder jedes für
    """,
    "fr": """
        au aux avec ce ces chaque dans de des du elle en est et être faut il je la le les leur
        mais moins nos notre nous ou par pas pour plus que qui sans sont sous sur un une vos votre
        vous besoin voulons voudrais débit réseau tranche latence entre quelles quels quel
        l'hôpital d'un d'une
    """,
    "es": """
        al con cada como de del donde el ella en entre es esta este hay la las lo los más menos mi
        muy necesitamos necesito nuestra nuestro para pero por que queremos quiero se ser sin
        sobre su un una unos y red latencia ancho banda hasta tiempo
    """,
    "it": """
        al alla anche che ci con da dei del della delle di e è gli ha il in la le lo ma meno
        molto nel nella noi nostra nostro ogni per più quali se senza serve servono si sono su
        una un vogliamo vorrei abbiamo bisogno rete latenza tra
    """,
    "pt": """
        ao aos as com da das de do dos e é em entre este eu foi há mais menos na nas no nos nossa
        nosso não o os ou para pela por precisamos preciso que queremos quero se sem ser sua são
        um uma cada rede latência com até
    """,
    "nl": """
        aan als bij dat de die dit een elk elke en er graag heb hebben het hij hoe ik in is je kan
        maar met moet moeten naar niet nog nodig om onder onze ons ook op over te tot tussen uit
        van voor wat we wij willen wordt zelfrijdende zijn zonder netwerk
    """,
    "pl": """
        a ale by co czy dla do i jak jest każda każdy lub ma mamy na nam nie o od oraz po pod
        poniżej potrzebujemy potrzebuję przez się są sieci sieć to w we z za ze opóźnienie
    """,
    "tr": """
        bir bu da daha de değil en gibi her için ihtiyacımız ile istiyoruz istiyorum kadar lazım
        mi ne olan olarak ve veya ya ağ dilim gecikme saniye altında gecikmeli
    """,
    "sv": """
        att av behöver den det dig en ett för från har hos hög högst i inte jag kan med men mellan
        minst mycket måste och om oss på sin ska som till under utan vi vill vår våra är
    """,
    "da": """
        af at behov der det en er et for fra har hos højst i ikke jeg kan maks med mellem men mod
        og om os på skal som til uden under ved vi vil vores brug
    """,
    "cs": """
        a aby ale bez by do i jako je jsme k každý kde která má mezi my na nebo od po pod pro
        potřebujeme potřebuji prosím při s se si síť ve v z za že zpoždění
    """,
    "fi": "ei ja joka jotka kanssa kun me meidän on ovat että sekä tai tarvitsemme tarvitsen",
    "ro": "avem cu de din este în la mai nevoie pe pentru prin să sau și sunt vrem rețea",
    "hu": "a az egy és hogy kell ki legyen mint nem szeretnénk szükségünk vagy van hálózat",
    "id": "ada atau dan dari dengan di ini itu kami ke membutuhkan pada saya untuk yang jaringan",
    "vi": "cho chúng có của cần được không là một và với tôi trong mạng",
}
SMALL_WORDS: Mapping[str, frozenset[str]] = {
    code: frozenset(words.split()) - ENGLISH for code, words in _OTHERS.items()
}
"""Words that a language's requests can hardly do without, and English ones do not have."""

LOANWORDS = frozenset("café cafés naïve façade résumé über fiancé crèche décor élite".split())  # noqa: SIM905

SCRIPTS: Mapping[str, str] = {
    "CJK": "zh",
    "HANGUL": "ko",
    "CYRILLIC": "ru",
    "ARABIC": "ar",
    "DEVANAGARI": "hi",
    "GREEK": "el",
    "HEBREW": "he",
    "THAI": "th",
    "BENGALI": "bn",
    "TAMIL": "ta",
}
"""First word of a letter's Unicode name, and the language that most likely is meant."""

QUESTIONS: Mapping[str, str] = {
    "en": "Can you say it in English? This engine reads English only.",
    "de": "Können Sie das bitte auf Englisch sagen? Welcher Dienst, und was braucht er?",
    "fr": "Pouvez-vous le dire en anglais ? Quel service, et de quoi a-t-il besoin ?",
    "es": "¿Puede decirlo en inglés? ¿Qué servicio es y qué necesita?",
    "it": "Può dirlo in inglese? Quale servizio è, e di che cosa ha bisogno?",
    "pt": "Pode dizê-lo em inglês? Qual é o serviço e de que precisa?",
    "nl": "Kunt u dat in het Engels zeggen? Welke dienst is het, en wat is er nodig?",
    "pl": "Czy można to powiedzieć po angielsku? Jaka to usługa i czego potrzebuje?",
    "tr": "Bunu İngilizce söyleyebilir misiniz? Hangi hizmet, ve neye ihtiyacı var?",
    "sv": "Kan du säga det på engelska? Vilken tjänst är det, och vad behöver den?",
    "da": "Kan du sige det på engelsk? Hvilken tjeneste er det, og hvad kræver den?",
    "cs": "Můžete to říci anglicky? Jaká je to služba a co potřebuje?",
    "fi": "Voitko sanoa sen englanniksi? Mikä palvelu se on, ja mitä se tarvitsee?",
    "ru": "Можете сказать это по-английски? Что это за услуга и что ей нужно?",
    "zh": "请用英语再说一遍好吗?是什么业务,需要什么?",
    "ja": "英語で言っていただけますか。どのサービスで、何が必要ですか。",
    "ko": "영어로 말씀해 주시겠어요? 어떤 서비스이고 무엇이 필요합니까?",
    "ar": "هل يمكنكم قول ذلك بالإنجليزية؟ ما هي الخدمة وماذا تحتاج؟",
    "hi": "क्या आप इसे अंग्रेज़ी में कह सकते हैं? कौन-सी सेवा है, और उसे क्या चाहिए?",
}
"""One question per language: say it in English; which service, and what does it need?"""
