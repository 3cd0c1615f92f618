"""What one visitor does, from the opened page to the stars at the end, and what the colleagues make of it."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from local.life.cast import Topic
from local.life.model import Part, part_for
from local.life.owner import Home, Owner
from local.life.plot import Visit, at_work
from local.life.product import Answer, Caller, Product

_LEADS = {"real_estate": 0.3, "automotive": 0.18, "fitness_beauty": 0.16, "dental": 0.12}
_BACK = 0.16
"""How many visitors have been here before."""

Outages = Sequence[tuple[datetime, datetime]]


class Visits:
    """Plays visits; `told` counts what became of them."""

    def __init__(self, product: Product, owner: Owner, outages: Outages, seed: str) -> None:
        self._product, self._owner, self._outages, self._seed = product, owner, outages, seed
        self.told: Counter[str] = Counter()

    def plays(self, visit: Visit) -> Iterator[datetime]:
        """One visit; gives the time of each next step."""
        yield visit.at
        home = self._owner.homes.get(visit.agent.name)
        if home is None or not home.widgets:
            return
        chance = random.Random(f"{self._seed} visit {visit.number}")
        languages = visit.agent.languages
        language = chance.choices(languages, [3, 2, 1][: len(languages)])[0]
        one = _One(self._product, self._owner, home, language, chance, self.told)
        if visit.agent.api and chance.random() < 0.35:
            one.caller = self._product.machine(self._owner.workspace, self._owner.key)
            one.path = f"/api/agents/{home.id}/chat"
        elif not one.opens():
            self.told["turned away"] += 1
            return
        yield from self._talks(one)

    def _talks(self, one: "_One") -> Iterator[datetime]:
        past, chance = self._product.past, one.chance
        yield past.now() + timedelta(seconds=chance.randrange(5, 40))
        for message, part in one.script():
            answer = one.says(message, self._broken(part, chance))
            if answer is None:
                break
            yield past.now() + timedelta(seconds=chance.randrange(12, 95))
            one.rates(answer, good=not part.breaks and not one.lost)
        if not one.conversation:
            return
        if not one.machine:
            one.ends()
        if one.waiting:
            yield from self._is_handled(one, "hand-off")
        if one.left:
            yield from self._is_handled(one, "lead")

    def _broken(self, part: Part, chance: random.Random) -> Part:
        """The part as it goes at this moment: models have outages, and now and then a bad second."""
        now, drawn, also = self._product.past.now(), chance.random(), chance.random()
        breaks = part.breaks
        if any(begins <= now < ends for begins, ends in self._outages):
            breaks = "down" if drawn < 0.45 else "unavailable" if drawn < 0.85 else ""
        elif drawn < 0.012:
            breaks = "down" if also < 0.35 else "interrupted" if also < 0.7 else "unavailable"
        return Part(part.text, part.first_word, part.whole, part.thoughts, part.passage, part.person, part.lead, breaks)

    def _is_handled(self, one: "_One", kind: str) -> Iterator[datetime]:
        """A colleague takes the hand-off or the lead and ends it: most on the same day, the rest within days."""
        past, chance = self._product.past, one.chance
        person = self._owner.people[chance.choice(("member", "member", "admin"))]
        path = f"/api/conversations/{one.conversation}/{kind}"
        slow = chance.random() < 0.25
        yield at_work(past.now() + timedelta(minutes=chance.randrange(4, 9000 if slow else 150)))
        self._product.ask("PATCH", path, person, {"state": "taken"}, status=-1)
        yield at_work(past.now() + timedelta(minutes=chance.randrange(5, 3000 if slow else 60)))
        note = chance.choice(("Called back, all settled.", "Sent an e-mail with the details.", "Appointment made."))
        self._product.ask("PATCH", path, person, {"state": "done", "note": note}, status=-1)


class _One:
    """One visitor's conversation as it goes."""

    def __init__(
        self, product: Product, owner: Owner, home: Home, language: str, chance: random.Random, told: Counter[str]
    ) -> None:
        self._product, self._owner, self._home, self._told = product, owner, home, told
        self.language, self.chance = language, chance
        self.caller = Caller(None, f"198.51.100.{chance.randrange(1, 255)}", home.agent.site)
        self.path = "/api/chat"
        self.conversation = ""
        self.waiting = self.left = self.lost = self._asked_for_details = False

    @property
    def machine(self) -> bool:
        """Whether a program speaks for the visitor."""
        return self.path != "/api/chat"

    def opens(self) -> bool:
        """Open the chat on the business's page; False where it is refused."""
        home, chance = self._home, self.chance
        widget = chance.choice(home.widgets)
        known = chance.choice(home.tokens) if home.tokens and chance.random() < _BACK else None
        body = {"visitor": known} if known else {}
        answer = self._product.ask("POST", f"/api/widgets/{widget}/sessions", self.caller, body, status=-1)
        if answer.status != 201:
            return False
        token = answer.body["token"]
        home.tokens = [*home.tokens[-20:], token]
        self.caller = self._product.visitor(token, self.caller)
        return True

    def script(self) -> Iterator[tuple[str, Part]]:
        """What is asked and answered, turn by turn."""
        chance, agent = self.chance, self._home.agent
        talk = self._owner.cast.talk[self.language]
        topics = list(agent.topics[self.language])
        turns = min(6, 1 + int(chance.expovariate(0.75)))
        for number in range(turns):
            ends = number == turns - 1
            if chance.random() < (0.07 if ends else 0.02):
                message = chance.choice(talk["person"])
                yield message, self._part(self._own("hand_off"), person=message)
                return
            if number and chance.random() < 0.45:
                message, text = chance.choice(talk["more"]), chance.choice(talk["reply"])
                yield message, self._part(text, lead=ends and chance.random() < _LEADS.get(agent.industry, 0.05))
                continue
            topic: Topic = chance.choice(topics)
            if chance.random() < self._home.quality:
                lead = ends and chance.random() < _LEADS.get(agent.industry, 0.05)
                yield chance.choice(topic.questions), self._part(topic.answer, passage=topic.title, lead=lead)
            else:
                self.lost = True
                message = chance.choice(talk["unknown"] if chance.random() < 0.4 else topic.questions)
                yield message, self._part(talk["sorry"])
        if self.lost and chance.random() < 0.25:
            message = chance.choice(talk["person"])
            yield message, self._part(self._own("hand_off"), person=message)

    def _own(self, kind: str) -> str:
        """What the agent says when a person takes over, in the visitor's language."""
        return _PASSED_ON[self.language] if kind == "hand_off" else ""

    def _part(self, text: str, *, passage: str = "", person: str = "", lead: bool = False) -> Part:
        self._asked_for_details = self._asked_for_details or lead
        return part_for(self._home.agent.model, text, self.chance, passage=passage, person=person, lead=lead)

    def says(self, message: str, part: Part) -> Answer | None:
        """One turn; None when it was refused or failed and the visitor leaves."""
        self._product.script.part = part
        body: dict[str, Any] = {"message": message, "locale": self.language}
        if self.machine:
            body |= {"conversation_id": self.conversation} if self.conversation else {}
        else:
            body["page_url"] = f"{self._home.agent.site}{self.chance.choice(('/', '/prices', '/contact', '/offers'))}"
        answer = self._product.ask("POST", self.path, self.caller, body, status=-1)
        self._told[f"turns answered {answer.status}"] += 1
        if answer.status != 200:
            return None
        self._told["conversations"] += not self.conversation
        self.conversation = answer.body["conversation_id"]
        self.waiting = self.waiting or bool(part.person)
        return answer

    def rates(self, answer: Answer, *, good: bool) -> None:
        """A thumb on the answer, from some."""
        chance = self.chance
        if self.machine or chance.random() > 0.2:
            return
        up = chance.random() < (0.93 if good else 0.2)
        body: dict[str, Any] = {"message_id": answer.body["message"]["message_id"], "rating": "up" if up else "down"}
        if chance.random() < 0.3:
            body["comment"] = chance.choice(self._owner.cast.talk[self.language]["comments"]["up" if up else "down"])
        self._product.ask("POST", "/api/chat/feedback", self.caller, body)
        self._told["thumbs"] += 1

    def ends(self) -> None:
        """Contact details where they were asked for, a person where the answer was not enough, stars from some."""
        chance, ask = self.chance, self._product.ask
        talk = self._owner.cast.talk[self.language]
        if self._asked_for_details and chance.random() < 0.65:
            name = chance.choice(self._owner.cast.names)
            details = {
                "name": name,
                "email": f"{name.lower().replace(' ', '.')}@example.org",
                "consent": talk["consent"],
            }
            if chance.random() < 0.5:
                details["phone"] = f"+49 30 5550 {chance.randrange(1000, 9999)}"
            ask("POST", "/api/chat/lead", self.caller, details)
            self.left = True
            self._told["leads"] += 1
        if self.lost and not self.waiting and chance.random() < 0.15:
            ask("POST", "/api/chat/hand-off", self.caller, {"note": chance.choice(talk["person"])})
            self.waiting = True
        self._told["hand-offs"] += self.waiting
        if chance.random() < 0.14:
            stars = chance.choices((1, 2, 3, 4, 5), (3, 4, 6, 5, 2) if self.lost else (0.3, 0.5, 1.5, 6, 11))[0]
            ask("POST", "/api/chat/feedback", self.caller, {"stars": stars})
            self._told["stars"] += 1


_PASSED_ON = {
    "en": "Of course. I am passing this on to a colleague, who will get back to you as soon as possible.",
    "de": "Natürlich. Ich gebe das an eine Kollegin weiter, die sich so bald wie möglich bei Ihnen meldet.",
    "es": "Por supuesto. Se lo paso a un compañero, que le responderá lo antes posible.",
    "fr": "Bien sûr. Je transmets à un collègue, qui vous répondra dès que possible.",
}
