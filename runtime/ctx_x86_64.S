/* Context switch, x86-64 System V. See ctx.h; struct ctx starts with sp.
 *
 * A suspended stack, from sp upwards: r15 r14 r13 r12 rbx rbp, return address.
 * The call-frame information of ctx_swap is right on both stacks, because both have that layout.
 */
        .text

/* struct ctx *ctx_swap(struct ctx *from, struct ctx *to) */
        .globl  ctx_swap
        .type   ctx_swap, @function
        .p2align 4
ctx_swap:
        .cfi_startproc
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r15, 0
        movq    %rdi, %rax              /* what the resumed ctx_swap returns: where we came from */
        movq    %rsp, (%rdi)
        movq    (%rsi), %rsp
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbp
        /* ret, although it is mispredicted when the other side was left at another place: it keeps
         * the return-address predictor in step, so that between goroutines that left at the same
         * place this one and the returns after it are predicted. */
        ret
        .cfi_endproc
        .size   ctx_swap, . - ctx_swap

/* struct ctx *ctx_swap_last(struct ctx *from, struct ctx *to): nothing is saved */
        .globl  ctx_swap_last
        .type   ctx_swap_last, @function
        .p2align 4
ctx_swap_last:
        .cfi_startproc
        .cfi_undefined %rip
        xorl    %eax, %eax
        movq    (%rsi), %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        popq    %rcx
        jmpq    *%rcx
        .cfi_endproc
        .size   ctx_swap_last, . - ctx_swap_last

/* First instructions of a new stack: r12 holds its context (ctx_prepare), rax the one left.
 * An unwinder ends here: no return address, frame pointer 0. */
        .type   ctx_enter, @function
        .p2align 4
ctx_enter:
        .cfi_startproc
        .cfi_undefined %rip
        movq    %r12, %rdi
        movq    %rax, %rsi
        call    ctx_run@PLT
        ud2
        .cfi_endproc
        .size   ctx_enter, . - ctx_enter

/* void *ctx_prepare(struct ctx *c, char *top): top is 16-byte aligned, and so will be rsp when
 * ctx_enter calls. */
        .globl  ctx_prepare
        .type   ctx_prepare, @function
        .p2align 4
ctx_prepare:
        .cfi_startproc
        leaq    ctx_enter(%rip), %rcx
        xorl    %edx, %edx
        movq    %rdx, -8(%rsi)          /* a null return address above, for debuggers */
        movq    %rdx, -16(%rsi)
        movq    %rcx, -24(%rsi)         /* return address: ctx_enter */
        movq    %rdx, -32(%rsi)         /* rbp */
        movq    %rdx, -40(%rsi)         /* rbx */
        movq    %rdi, -48(%rsi)         /* r12 */
        movq    %rdx, -56(%rsi)         /* r13 */
        movq    %rdx, -64(%rsi)         /* r14 */
        movq    %rdx, -72(%rsi)         /* r15 */
        leaq    -72(%rsi), %rax
        ret
        .cfi_endproc
        .size   ctx_prepare, . - ctx_prepare

        .section .note.GNU-stack, "", @progbits
