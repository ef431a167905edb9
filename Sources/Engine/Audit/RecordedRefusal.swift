import IntegrationKit

extension Engine {
  /// Prepares an invocation, and records why if it is refused. A dry run is not recorded, because
  /// nothing runs.
  package func prepare(
    _ request: InvocationRequest, recordingRefusalFor caller: AuditCaller
  ) throws(InvocationError) -> PreparedInvocation {
    do throws(InvocationError) {
      return try prepare(request)
    } catch {
      if !request.options.dryRun {
        refused(RefusedRequest(request), error, by: caller, from: request.origin)
      }
      throw error
    }
  }
}
