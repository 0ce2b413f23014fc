/** A plugin for TypeDoc: a docstring has to say what its export does, and not only what it throws or answers. */
import { Application, ReflectionKind } from 'typedoc';

const documented = [ReflectionKind.Class, ReflectionKind.Interface, ReflectionKind.TypeAlias, ReflectionKind.Variable];
const called = [ReflectionKind.Function, ReflectionKind.Method];

export function load(app) {
  app.on(Application.EVENT_VALIDATE_PROJECT, (project) => {
    for (const reflection of Object.values(project.reflections)) {
      const { comment, kind, parent, flags } = reflection;
      const counts =
        documented.includes(kind) || (kind === ReflectionKind.CallSignature && called.includes(parent?.kind));
      if (!counts || comment === undefined || flags.isExternal) continue;
      if (comment.summary.some(({ text }) => text.trim() !== '')) continue;
      app.logger.validationWarning(`The docstring of ${reflection.getFriendlyFullName()} has no sentence`);
    }
  });
}
