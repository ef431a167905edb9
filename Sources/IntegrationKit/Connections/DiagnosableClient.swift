import Delivery
import HTTP

/// A client that can say where its requests go and what its credentials allow, for `sallyport doctor`.
public protocol DiagnosableClient: VendorClient {
  /// The servers that its requests go to.
  var servers: [BaseURL] { get }
  /// Checks the credentials. Sends reads only, and signs in once at most.
  ///
  /// - Returns: what they allow; nil to run Test Connection instead.
  /// - Throws: if they are refused, or cannot be checked.
  func permissions(in invocation: Invocation) async throws(CommandError) -> GrantedPermissions?
}

extension DiagnosableClient {
  public func permissions(
    in invocation: Invocation
  ) async throws(CommandError) -> GrantedPermissions? { nil }
}

/// What the credentials of a connection allow, as far as the vendor says.
public struct GrantedPermissions: Sendable {
  public enum Verdict: Sendable {
    /// With a note, such as what is still not known.
    case granted(String?)
    /// The permission that is missing.
    case missing(String)
    /// Why it is not known.
    case unknown(String)
  }

  let verdict: @Sendable (_ command: String) -> Verdict

  /// - Parameter verdict: of a command, by its id.
  public init(_ verdict: @escaping @Sendable (_ command: String) -> Verdict) {
    self.verdict = verdict
  }

  package func callAsFunction(_ command: String) -> Verdict { verdict(command) }
}
