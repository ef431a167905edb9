import Basics
import FileStore
import IntegrationKit
import Redaction

/// What one host consists of, apart from its streams.
package final class HostContext: Sendable {
  package let catalogue: Catalogue
  package let connections: ConnectionStore
  package let secrets: Redactor
  package let log: Log
  package let options: HostOptions
  package let ledger: IdempotencyLedger
  package let files: FileStore
  package let audit: AuditFile?
  let optionsMemo = OptionsMemo()

  package init(
    catalogue: Catalogue, connections: ConnectionStore, secrets: Redactor, log: Log,
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
