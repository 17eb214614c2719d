package dev.sextant.kernels.emulator;

import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The instructions known, as they are written, with the types of their operands, the destination
 * first: F float, B 32-bit, D 64-bit, P predicate, L label. Loads and stores of memory have forms
 * of their own.
 */
enum Opcode {
  MOV_F32("mov.f32", "FF"),
  MOV_B32("mov.b32", "BB"),
  MOV_U32("mov.u32", "BB"),
  MOV_B64("mov.b64", "DD"),
  CVTA("cvta.to.global.u64", "DD"),
  ADD_S32("add.s32", "BBB"),
  SUB_S32("sub.s32", "BBB"),
  MUL_S32("mul.lo.s32", "BBB"),
  MAD_S32("mad.lo.s32", "BBBB"),
  DIV_U32("div.u32", "BBB"),
  MIN_S32("min.s32", "BBB"),
  SHR_U32("shr.u32", "BBB"),
  CVT_F32_S32("cvt.rn.f32.s32", "FB"),
  MAD_WIDE("mad.wide.s32", "DBBD"),
  MUL_WIDE("mul.wide.s32", "DBB"),
  ADD_S64("add.s64", "DDD"),
  MUL_S64("mul.lo.s64", "DDD"),
  ADD_F32("add.rn.f32", "FFF"),
  SUB_F32("sub.rn.f32", "FFF"),
  MUL_F32("mul.rn.f32", "FFF"),
  FMA_F32("fma.rn.f32", "FFFF"),
  DIV_F32("div.rn.f32", "FFF"),
  SQRT_F32("sqrt.rn.f32", "FF"),
  MAX_F32("max.f32", "FFF"),
  EX2_F32("ex2.approx.f32", "FF"),
  LG2_F32("lg2.approx.f32", "FF"),
  SETP_LT_S32("setp.lt.s32", "PBB"),
  SETP_LT_U32("setp.lt.u32", "PBB"),
  SETP_EQ_S32("setp.eq.s32", "PBB"),
  SETP_LT_F32("setp.lt.f32", "PFF"),
  SETP_GT_F32("setp.gt.f32", "PFF"),
  SETP_GTU_F32("setp.gtu.f32", "PFF"),
  SETP_EQ_F32("setp.eq.f32", "PFF"),
  AND_PRED("and.pred", "PPP"),
  OR_PRED("or.pred", "PPP"),
  NOT_PRED("not.pred", "PP"),
  SELP_F32("selp.f32", "FFFP"),
  SELP_B32("selp.b32", "BBBP"),
  SHFL("shfl.sync.bfly.b32", "**BBB"),
  LD_PARAM_U64("ld.param.u64", "D*"),
  LD_PARAM_S32("ld.param.s32", "B*"),
  LD_PARAM_F32("ld.param.f32", "F*"),
  LD_GLOBAL_F32("ld.global", "**"),
  LD_GLOBAL_NC_F32("ld.global.nc", "**"),
  LD_GLOBAL_B32("ld.global.b32", "B*"),
  ST_GLOBAL_F32("st.global", "**"),
  LD_SHARED_F32("ld.shared", "**"),
  ST_SHARED_F32("st.shared", "**"),
  BAR("bar.sync", "*"),
  BRA("bra", "L"),
  RET("ret", "");

  private static final Pattern VECTOR =
      Pattern.compile("((?:ld|st)\\.(?:global(?:\\.nc)?|shared))(?:\\.v[24])?\\.f32");
  private static final Map<String, Opcode> BY_TEXT = new HashMap<>();

  static {
    for (Opcode opcode : values()) {
      BY_TEXT.put(opcode.text, opcode);
    }
  }

  final String text;

  /** Types of the operands; {@code *} where the form decides. */
  final String operands;

  Opcode(String text, String operands) {
    this.text = text;
    this.operands = operands;
  }

  /** The opcode of that text; null if there is none. Vectors of floats have the opcode of one. */
  static @Nullable Opcode of(String text) {
    return BY_TEXT.get(VECTOR.matcher(text).replaceFirst("$1"));
  }
}
