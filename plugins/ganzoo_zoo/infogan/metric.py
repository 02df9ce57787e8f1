"""How well the choices of a categorical code are the classes: arXiv:1606.03657, section 7.2."""

from ganzoo.plugin import Encoded, EvaluationContext, meanings
from ganzoo_zoo.infogan.networks import CodeReader

MATCHED = 10_000
"""Training images by which a choice is matched with the class that it is most often."""


class CodeError(Encoded):
    """Each choice stands for the class that most training images have for which it is read."""

    def unsuitable(self, context: EvaluationContext) -> str:
        reason = super().unsuitable(context)
        reader = context.target.encoder
        if reason or (isinstance(reader, CodeReader) and reader.categorical):
            return reason
        return f"{self.spec.name} is of networks that read a categorical code"

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        reader, known = context.target.encoder, self.known(context)
        assert isinstance(reader, CodeReader), "unsuitable() says so"
        choices = reader.categorical[0]
        codes, labels = self.latents(context, known, MATCHED)
        read = codes[:, :choices].argmax(1)
        meant, classes = meanings(read, labels, choices, len(known.info.classes))
        codes, labels = self.latents(context, context.held_out())
        wrong = (meant[codes[:, :choices].argmax(1)] != labels).float().mean()
        return {"share": float(wrong), "classes found": float(classes)}
