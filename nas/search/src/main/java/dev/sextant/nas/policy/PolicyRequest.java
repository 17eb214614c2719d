package dev.sextant.nas.policy;

import dev.sextant.nas.cells.BilevelGradient;
import dev.sextant.nas.objective.LambdaController;
import dev.sextant.nas.objective.Objective;
import dev.sextant.nas.provider.Options;
import dev.sextant.nas.supernet.Supernet;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a policy is made of.
 *
 * @param <S> the supernet it sets
 * @param <O> what it follows: a {@link dev.sextant.nas.objective.Loss}, or any objective
 * @param backend of the supernet, and of tensors of the policy's own
 * @param supernet that the policy sets
 * @param objective what the policy follows
 * @param costs of the space's networks
 * @param controller of the loss's trade-off, or null to keep that
 * @param steps the numbers of architecture steps
 * @param bilevel the gradient of the held-out loss by the mixtures of cells, in the architecture
 *     step being made
 * @param options the values of the provider's own options
 * @param rng the run's generator, whose state is in its checkpoints; no other may be used
 */
public record PolicyRequest<S extends Supernet, O extends Objective>(
    Backend backend,
    S supernet,
    O objective,
    PolicyCosts costs,
    @Nullable LambdaController controller,
    ArchitectureSteps steps,
    Supplier<BilevelGradient.Result> bilevel,
    Options options,
    Rng rng) {}
