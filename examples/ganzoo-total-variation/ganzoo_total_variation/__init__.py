from ganzoo.plugin import LossSpec, hookimpl


@hookimpl
def ganzoo_losses() -> list[LossSpec]:
    load, about = "ganzoo_total_variation.loss:TotalVariation", "a bound of the total variation distance"
    return [LossSpec(name="f-total-variation", load=load, summary=about, paper="arXiv:1606.00709, table 6")]
