import { type UseMutationResult, useMutation } from '@tanstack/react-query';
import { problemOf } from '../../api/problem.ts';
import { useToast } from '../../parts/toast.tsx';

/** A call that changes something: what goes wrong is told, with what to do, and never swallowed. */
export function useAct<In, Out>(
  call: (input: In) => Promise<Out>,
  done?: (out: Out, input: In) => void,
): UseMutationResult<Out, Error, In> {
  const toast = useToast();
  return useMutation({
    mutationFn: call,
    ...(done === undefined ? {} : { onSuccess: done }),
    onError: (error) => {
      const problem = problemOf(error);
      if (problem) toast({ title: problem.title, detail: problem.detail, tone: 'failed' });
    },
  });
}
