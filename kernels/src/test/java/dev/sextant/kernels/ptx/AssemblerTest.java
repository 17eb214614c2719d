package dev.sextant.kernels.ptx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sextant.kernels.KernelCatalogue;
import dev.sextant.kernels.ptx.Operand.B32;
import dev.sextant.kernels.ptx.Operand.B64;
import dev.sextant.kernels.ptx.Operand.F32;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The text that the assembler writes. */
@Tag("machine-text")
class AssemblerTest {
  private static Kernel twice() {
    Assembler k = new Assembler("twice", "out = 2 x", 256);
    B64 x = k.pointer("x", "input");
    F32 two = k.number("two", "the factor");
    B64 out = k.pointer("out", "output");
    B32 size = k.integer("size", "elements");
    B32 i = k.globalThread();
    k.when(
        "an element is left",
        k.less(i, size),
        () -> {
          F32 value = k.load(k.element(x, i), 0, 1, false)[0];
          k.store(k.element(out, i), 0, k.multiply(value, two));
        });
    return k.assemble();
  }

  @Test
  void writesWhatAReaderOfPtxExpects() {
    assertEquals(
        """
        // twice: out = 2 x
        .version 7.0
        .target sm_70
        .address_size 64

        .visible .entry twice(
            .param .u64 x, // input
            .param .f32 two, // the factor
            .param .u64 out, // output
            .param .s32 size // elements
        )
        .maxntid 256, 1, 1
        {
            .reg .b32 %r<4>;
            .reg .b64 %d<2>;
            .reg .f32 %f<2>;
            .reg .pred %p<1>;
            .reg .b64 %x, %out;
            .reg .f32 %two;
            .reg .b32 %size;

            ld.param.u64 %x, [x];
            cvta.to.global.u64 %x, %x;
            ld.param.f32 %two, [two];
            ld.param.u64 %out, [out];
            cvta.to.global.u64 %out, %out;
            ld.param.s32 %size, [size];
            mov.u32 %r0, %ctaid.x;
            mov.u32 %r1, %ntid.x;
            mov.u32 %r2, %tid.x;
            mad.lo.s32 %r3, %r0, %r1, %r2;
            setp.lt.s32 %p0, %r3, %size;
            // if an element is left
            @!%p0 bra $end;
              mad.wide.s32 %d0, %r3, 4, %x;
              ld.global.f32 %f0, [%d0];
              mad.wide.s32 %d1, %r3, 4, %out;
              mul.rn.f32 %f1, %f0, %two;
              st.global.f32 [%d1], %f1;
          $end:
            ret;
        }
        """,
        twice().text());
  }

  @Test
  void parametersAreAlignedToTheirSize() {
    assertArrayEquals(new int[] {0, 8, 16, 24}, twice().parameterOffsets());
    assertEquals(28, twice().parameterBytes());
  }

  @Test
  void equalSourcesAssembleToTheSameText() {
    for (KernelSource source : KernelCatalogue.all()) {
      assertEquals(source.assemble().text(), source.assemble().text());
      assertEquals(source.name(), source.assemble().name());
    }
  }

  @Test
  void misuseIsRefused() {
    Assembler k = new Assembler("wrong", "what must not be", 256);
    assertThrows(IllegalArgumentException.class, () -> k.integer("tid", "a special register"));
    assertThrows(IllegalArgumentException.class, () -> k.integer("r1", "a temporary"));
    B32 n = k.integer("n", "taken");
    assertThrows(IllegalArgumentException.class, () -> k.shared("n", 4, "taken"));
    assertThrows(IllegalStateException.class, () -> k.under(k.less(n, n), k::barrier));
  }
}
