"""Single instructions that numba would not choose by itself: sums of several doubles, and the lowest set bit."""

# ruff: noqa: ARG001  # numba hands code generators arguments that they need not use
# mypy: ignore-errors
# numba gives types to this code; annotations would only repeat them, and its decorators have none

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["add4", "add8", "add_four", "add_where8", "count_bits", "lowest_bit"]


def _vector_add(width):
    """Make ``add(out, table)``: add `width` doubles at one address to those at another in one instruction."""

    @intrinsic
    def add(typing_context, out, table):
        def generate(context, builder, signature, arguments):
            vector = ir.VectorType(ir.DoubleType(), width).as_pointer()
            target, source = (builder.inttoptr(address, vector) for address in arguments)
            # align=8: rows of tables need not begin at a whole vector, and a load that promises more may crash there
            total = builder.fadd(builder.load(target, align=8), builder.load(source, align=8))
            builder.store(total, target, align=8)
            return context.get_dummy_value()

        return types.void(types.intp, types.intp), generate

    return add


add4, add8 = _vector_add(4), _vector_add(8)


@intrinsic
def add_where8(typing_context, out, number, bits):
    """Add a number to those of eight doubles whose bit is set in the lowest byte of a 64-bit word."""

    def generate(context, builder, signature, arguments):
        vector = ir.VectorType(ir.DoubleType(), 8)
        target = builder.inttoptr(arguments[0], vector.as_pointer())
        # as bits of a vector the lowest bit belongs to the first of the eight doubles
        chosen = builder.bitcast(builder.trunc(arguments[2], ir.IntType(8)), ir.VectorType(ir.IntType(1), 8))
        one = builder.insert_element(ir.Constant(vector, ir.Undefined), arguments[1], ir.Constant(ir.IntType(32), 0))
        everywhere = builder.shuffle_vector(
            one, ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), 8), [0] * 8)
        )
        added = builder.select(chosen, everywhere, ir.Constant(vector, [0.0] * 8))
        builder.store(builder.fadd(builder.load(target, align=8), added), target, align=8)
        return context.get_dummy_value()

    return types.void(types.intp, types.float64, types.uint64), generate


@intrinsic
def count_bits(typing_context, word):
    """Count the set bits of a 64-bit word."""

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


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
