import Basics
import Plugin

/// What one host consists of, apart from its streams.
public final class HostContext: Sendable {
  public let catalogue: Catalogue
  public let connections: ConnectionStore
  public let secrets: SecretScrubber
  public let log: Log
  public let options: HostOptions
  public let ledger: IdempotencyLedger
  public let files: FileStore
  public let audit: AuditFile?
  let optionsMemo = OptionsMemo()

  public init(
    catalogue: Catalogue, connections: ConnectionStore, secrets: SecretScrubber, log: Log,
    options: HostOptions, ledger: IdempotencyLedger, files: FileStore,
    audit: AuditFile? = nil
  ) {
    self.catalogue = catalogue
    self.connections = connections
    self.secrets = secrets
    self.log = log
    self.options = options
    self.ledger = ledger
    self.files = files
    self.audit = audit
  }
}
