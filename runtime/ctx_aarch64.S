/* Context switch, AArch64 AAPCS64. See ctx.h; struct ctx starts with sp.
 *
 * A suspended stack, from sp upwards (176 bytes): x19..x28, x29, x30, d8..d15, padding.
 * The call-frame information of ctx_swap is right on both stacks, because both have that layout.
 */
        .text

        .macro  restore_registers
        ldp     x19, x20, [sp, #0]
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     x29, x30, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        add     sp, sp, #176
        .endm

/* struct ctx *ctx_swap(struct ctx *from, struct ctx *to); returns from to whoever is resumed */
        .globl  ctx_swap
        .type   ctx_swap, %function
        .p2align 4
ctx_swap:
        .cfi_startproc
        sub     sp, sp, #176
        .cfi_def_cfa_offset 176
        stp     x19, x20, [sp, #0]
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        .cfi_rel_offset x29, 80
        .cfi_rel_offset x30, 88
        mov     x9, sp
        str     x9, [x0]
        ldr     x9, [x1]
        mov     sp, x9
        restore_registers
        .cfi_def_cfa_offset 0
        .cfi_restore x29
        .cfi_restore x30
        ret
        .cfi_endproc
        .size   ctx_swap, . - ctx_swap

/* struct ctx *ctx_swap_last(struct ctx *from, struct ctx *to): nothing is saved */
        .globl  ctx_swap_last
        .type   ctx_swap_last, %function
        .p2align 4
ctx_swap_last:
        .cfi_startproc
        .cfi_undefined x30
        mov     x0, xzr
        ldr     x9, [x1]
        mov     sp, x9
        restore_registers
        ret
        .cfi_endproc
        .size   ctx_swap_last, . - ctx_swap_last

/* First instructions of a new stack: x19 holds its context (ctx_prepare), x0 the one left.
 * An unwinder ends here: no return address, frame pointer 0. */
        .type   ctx_enter, %function
        .p2align 4
ctx_enter:
        .cfi_startproc
        .cfi_undefined x30
        mov     x1, x0
        mov     x0, x19
        bl      ctx_run
        brk     #1
        .cfi_endproc
        .size   ctx_enter, . - ctx_enter

/* void *ctx_prepare(struct ctx *c, char *top) */
        .globl  ctx_prepare
        .type   ctx_prepare, %function
        .p2align 4
ctx_prepare:
        .cfi_startproc
        sub     x2, x1, #176
        stp     x0, xzr, [x2, #0]       /* x19: the context */
        stp     xzr, xzr, [x2, #16]
        stp     xzr, xzr, [x2, #32]
        stp     xzr, xzr, [x2, #48]
        stp     xzr, xzr, [x2, #64]
        adrp    x3, ctx_enter
        add     x3, x3, :lo12:ctx_enter
        stp     xzr, x3, [x2, #80]      /* x29 = 0, x30 = ctx_enter */
        stp     xzr, xzr, [x2, #96]
        stp     xzr, xzr, [x2, #112]
        stp     xzr, xzr, [x2, #128]
        stp     xzr, xzr, [x2, #144]
        stp     xzr, xzr, [x2, #160]
        mov     x0, x2
        ret
        .cfi_endproc
        .size   ctx_prepare, . - ctx_prepare

        .section .note.GNU-stack, "", %progbits
