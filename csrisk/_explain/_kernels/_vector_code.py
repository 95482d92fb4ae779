"""Single instructions that numba would not choose by itself: sums of several doubles, and the lowest set bit."""

# ruff: noqa: ARG001  # numba hands code generators arguments that they need not use
# mypy: ignore-errors
# numba gives types to this code; annotations would only repeat them, and its decorators have none

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["add4", "add8", "add_blend8", "add_four", "blend8", "lowest_bit", "subtract8"]


def _vector_add(width, operation="fadd"):
    """Make ``add(out, table)``: add `width` doubles at one address to those at another in one instruction."""

    @intrinsic
    def add(typing_context, out, table):
        def generate(context, builder, signature, arguments):
            vector = ir.VectorType(ir.DoubleType(), width).as_pointer()
            target, source = (builder.inttoptr(address, vector) for address in arguments)
            # align=8: rows of tables need not begin at a whole vector, and a load that promises more may crash there
            total = getattr(builder, operation)(builder.load(target, align=8), builder.load(source, align=8))
            builder.store(total, target, align=8)
            return context.get_dummy_value()

        return types.void(types.intp, types.intp), generate

    return add


add4, add8, subtract8 = _vector_add(4), _vector_add(8), _vector_add(8, "fsub")


def _vector_blend(added):
    """Make ``blend(out, first, second, mask)`` of eight doubles: those at `first` where the byte at `mask` has a bit.

    Elsewhere those at `second`. They are put at `out` or, if `added`, added to what is there.
    """

    @intrinsic
    def blend(typing_context, out, first, second, mask):
        def generate(context, builder, signature, arguments):
            vector = ir.VectorType(ir.DoubleType(), 8).as_pointer()
            target, one, other = (builder.inttoptr(address, vector) for address in arguments[:3])
            byte = builder.load(builder.inttoptr(arguments[3], ir.IntType(8).as_pointer()))
            # as bits of a vector the lowest bit belongs to the first of the eight doubles
            bits = builder.bitcast(byte, ir.VectorType(ir.IntType(1), 8))
            chosen = builder.select(bits, builder.load(one, align=8), builder.load(other, align=8))
            if added:
                chosen = builder.fadd(builder.load(target, align=8), chosen)
            builder.store(chosen, target, align=8)
            return context.get_dummy_value()

        return types.void(types.intp, types.intp, types.intp, types.intp), generate

    return blend


blend8, add_blend8 = _vector_blend(added=False), _vector_blend(added=True)


@intrinsic
def lowest_bit(typing_context, word):
    """Position of the lowest set bit of a 64-bit word."""

    def generate(context, builder, signature, arguments):
        # 0: a word without a set bit gives 64; with 1 LLVM may give anything
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


@intrinsic
def add_four(typing_context, out, first, second, third, fourth):
    """Add eight doubles at each of four addresses, one after the other, to those at `out`."""

    def generate(context, builder, signature, arguments):
        vector = ir.VectorType(ir.DoubleType(), 8).as_pointer()
        target, *sources = (builder.inttoptr(address, vector) for address in arguments)
        total = builder.load(target, align=8)
        for source in sources:
            total = builder.fadd(total, builder.load(source, align=8))
        builder.store(total, target, align=8)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, types.intp, types.intp), generate
