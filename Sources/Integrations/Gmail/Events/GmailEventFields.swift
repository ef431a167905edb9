import IntegrationKit

/// The documented fields of an event. The document prints paths without the `$`, and one of them
/// with typographic quotes.
enum GmailEventFields {
  static let source = EventSource(
    fields: [
      .path("Unique Event Key", "$.id"),
      .constant("Event Type", "Email Alerts"),
      .path("Email subject", "$.payload.headers[?(@.name=='Subject')].value"),
      .path("Message body", "$.payload.HTMLBody"),
      .path("Sender", "$.payload.headers[?(@.name=='From')].value"),
      .path("Recipient", "$.payload.headers[?(@.name=='To')].value"),
      .path("CcRecipients", "$.payload.headers[?(@.name=='Cc')].value"),
      .path("BccRecipients", "$.payload.headers[?(@.name=='Bcc')].value"),
      .path("Description", "$.payload.snippet"),
      .path("Start Time", "$.internalDate"),
      .path("Message ID", "$.payload.headers[?(@.name=='Message-ID')].value"),
      .path(
        "Attached EML File Name", "$.payload.parts[?(@.mimeType=='message/rfc822')].filename"),
      .path(
        "Attached EML Sender",
        "$.payload.parts[?(@.mimeType=='message/rfc822')].headers[?(@.name=='From')].value"),
      .path(
        "Attached EML Recipient",
        "$.payload.parts[?(@.mimeType=='message/rfc822')].parts[*].headers[?(@.name=='To')].value"),
      .path(
        "Attached EML CcRecipients",
        "$.payload.parts[?(@.mimeType=='message/rfc822')].parts[*].headers[?(@.name=='Cc')].value"),
      .path(
        "Attached EML BccRecipients",
        "$.payload.parts[?(@.mimeType=='message/rfc822')].parts[*].headers[?(@.name=='Bcc')].value"
      ),
      .path(
        "Attached EML Subject",
        """
        $.payload.parts[?(@.mimeType=='message/rfc822')].parts[*]\
        .headers[?(@.name=='Subject')].value
        """),
      .path(
        "Attached EML Message ID",
        """
        $.payload.parts[?(@.mimeType=='message/rfc822')].parts[*]\
        .headers[?(@.name=='Message-ID')].value
        """),
      .path(
        "Attached EML Sent Date",
        "$.payload.parts[?(@.mimeType=='message/rfc822')].parts[*].headers[?(@.name=='Date')].value"
      ),
      .path(
        "Attached EML Body",
        """
        $.payload.parts[?(@.mimeType=='message/rfc822')].parts[*]\
        .parts[?(@.filename=='' && @.mimeType=='text/plain')].body.data
        """),
      .path("Attached EML Attachment File Names", "$.AttachedEMLAttachementFiles[*].D3fileName"),
      .path("Attached EML Attachment File Types", "$.AttachedEMLAttachementFiles[*].mimeType"),
      .path("Attached EML Attachment IDs", "$.AttachedEMLAttachementFiles[*].attachmentId"),
      .path("Attached EML Attachment D3 File IDs", "$.AttachedEMLAttachementFiles[*].fileId"),
      .path("Attached EML Attachment MD5", "$.AttachedEMLAttachementFiles[*].md5"),
      .path("Attached EML Attachment SHA1", "$.AttachedEMLAttachementFiles[*].sha1"),
      .path("Attached EML Attachment SHA256", "$.AttachedEMLAttachementFiles[*].sha256"),
      .path("Decoded Body Data", "$.DecodedBodyData"),
      .path("Attached EML Attachment Nested Email From", "$.AttachedEMLAttachementFiles[*].From"),
      .path("Attached EML Attachment Nested Email To", "$.AttachedEMLAttachementFiles[*].To"),
      .path(
        "Attached EML Attachment Nested Email Subjects", "$.AttachedEMLAttachementFiles[*].Subject"),
    ],
    cursor: """
      Pass it as the argument cursor of the next call, with a later end_time and the same \
      search_condition. No mail is missed or repeated. Mail that arrives late is fetched if it is \
      at most 10 minutes older than the newest mail.
      """,
    end: "end_time")
}
