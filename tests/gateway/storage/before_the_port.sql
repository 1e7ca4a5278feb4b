BEGIN TRANSACTION;
CREATE TABLE access_log (
	number INTEGER NOT NULL, 
	at FLOAT NOT NULL, 
	route VARCHAR(64) NOT NULL, 
	verb VARCHAR(8) NOT NULL, 
	caller VARCHAR(128) NOT NULL, 
	status INTEGER NOT NULL, 
	PRIMARY KEY (number)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('gaiax_0002');
INSERT INTO "alembic_version" VALUES('openadr_0001');
INSERT INTO "alembic_version" VALUES('vault_0001');
INSERT INTO "alembic_version" VALUES('registry_0001');
INSERT INTO "alembic_version" VALUES('identity_0001');
INSERT INTO "alembic_version" VALUES('door_0001');
INSERT INTO "alembic_version" VALUES('cohorts_0002');
CREATE TABLE batch (
	source VARCHAR NOT NULL, 
	sequence INTEGER NOT NULL, 
	taken INTEGER NOT NULL, 
	answer BLOB NOT NULL, 
	PRIMARY KEY (source, sequence)
)
 WITHOUT ROWID

;
INSERT INTO "batch" VALUES('box',9223372036854775807,1772625600,X'616E73776572');
CREATE TABLE batch_floor (
	source VARCHAR NOT NULL, 
	floor INTEGER NOT NULL, 
	PRIMARY KEY (source)
)
 WITHOUT ROWID

;
INSERT INTO "batch_floor" VALUES('box',12);
CREATE TABLE block (
	id INTEGER NOT NULL, 
	subject VARCHAR NOT NULL, 
	class INTEGER NOT NULL, 
	day INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	pieces INTEGER NOT NULL, 
	upto INTEGER NOT NULL, 
	sealed BLOB NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "block" VALUES(1,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1,738999,2,3,5,X'00FF');
CREATE TABLE box (
	id VARCHAR(64) NOT NULL, 
	made FLOAT NOT NULL, 
	revoked FLOAT, 
	PRIMARY KEY (id)
);
CREATE TABLE box_meter (
	box VARCHAR(64) NOT NULL, 
	meter BLOB NOT NULL, 
	tenancy VARCHAR(32) NOT NULL, 
	PRIMARY KEY (box, meter)
);
CREATE TABLE certificate (
	fingerprint VARCHAR(64) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	owner VARCHAR(64) NOT NULL, 
	until FLOAT NOT NULL, 
	revoked FLOAT, 
	PRIMARY KEY (fingerprint)
);
CREATE TABLE checkpoint (
	number INTEGER NOT NULL, 
	token TEXT NOT NULL, 
	PRIMARY KEY (number)
);
CREATE TABLE client (
	id VARCHAR(128) NOT NULL, 
	organisation VARCHAR(64), 
	scopes TEXT NOT NULL, 
	secret BLOB NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "client" VALUES('northwind','northwind','[]',X'01');
CREATE TABLE cohort_cell (
	node VARCHAR(160) NOT NULL, 
	quantity VARCHAR(64) NOT NULL, 
	start FLOAT NOT NULL, 
	value VARCHAR(40), 
	unit VARCHAR(16), 
	PRIMARY KEY (node, quantity, start)
);
CREATE TABLE cohort_draw (
	place VARCHAR(128) NOT NULL, 
	epoch VARCHAR(10) NOT NULL, 
	cohorts TEXT NOT NULL, 
	PRIMARY KEY (place, epoch)
);
CREATE TABLE dsp_agreement (
	id VARCHAR NOT NULL, 
	side VARCHAR NOT NULL, 
	recipient VARCHAR NOT NULL, 
	ended INTEGER NOT NULL, 
	body BLOB NOT NULL, 
	PRIMARY KEY (id, side)
);
INSERT INTO "dsp_agreement" VALUES('g1','provider','northwind',0,X'7B7D');
CREATE TABLE dsp_key (
	did VARCHAR NOT NULL, 
	keys BLOB NOT NULL, 
	PRIMARY KEY (did)
);
CREATE TABLE dsp_process (
	pid VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	side VARCHAR NOT NULL, 
	partner VARCHAR NOT NULL, 
	partner_pid VARCHAR NOT NULL, 
	recipient VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	agreement VARCHAR NOT NULL, 
	body BLOB NOT NULL, ended FLOAT, 
	PRIMARY KEY (pid)
);
CREATE TABLE dsp_seen (
	partner VARCHAR NOT NULL, 
	jti VARCHAR NOT NULL, 
	until FLOAT NOT NULL, 
	PRIMARY KEY (partner, jti)
);
CREATE TABLE dsp_token (
	hash VARCHAR NOT NULL, 
	transfer VARCHAR NOT NULL, 
	round INTEGER NOT NULL, 
	PRIMARY KEY (hash)
);
CREATE TABLE evidence (
	id VARCHAR(32) NOT NULL, 
	subject_tag BLOB NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	ground VARCHAR(32) NOT NULL, 
	at FLOAT NOT NULL, 
	token TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE ground (
	id VARCHAR(32) NOT NULL, 
	subject VARCHAR(32) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	recipient VARCHAR(64) NOT NULL, 
	body TEXT NOT NULL, 
	ended FLOAT, 
	PRIMARY KEY (id)
);
CREATE TABLE ledger (
	number INTEGER NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	subject_tag BLOB NOT NULL, 
	sealed BLOB NOT NULL, 
	hash BLOB NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (id)
);
CREATE TABLE metering_point (
	lookup BLOB NOT NULL, 
	tenancy VARCHAR(32) NOT NULL, 
	sealed BLOB, 
	start FLOAT NOT NULL, 
	"end" FLOAT, 
	PRIMARY KEY (lookup, tenancy)
);
CREATE TABLE notice (
	number INTEGER NOT NULL, 
	kind VARCHAR(64) NOT NULL, 
	"key" VARCHAR(128) NOT NULL, 
	payload TEXT NOT NULL, 
	due FLOAT NOT NULL, 
	tries INTEGER NOT NULL, 
	PRIMARY KEY (number)
);
CREATE TABLE one_time_code (
	lookup BLOB NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	subject VARCHAR(64) NOT NULL, 
	expires FLOAT NOT NULL, 
	PRIMARY KEY (lookup)
);
CREATE TABLE openadr_answer (
	event VARCHAR NOT NULL, 
	ven VARCHAR NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (event, ven)
);
CREATE TABLE openadr_event (
	id VARCHAR NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE openadr_offer (
	ven VARCHAR NOT NULL, 
	specifier VARCHAR NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (ven, specifier)
);
CREATE TABLE openadr_opt (
	ven VARCHAR NOT NULL, 
	opt_id VARCHAR NOT NULL, 
	scope VARCHAR NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (ven, opt_id, scope)
);
CREATE TABLE openadr_program (
	id VARCHAR NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "openadr_program" VALUES('p1','{}');
CREATE TABLE openadr_registration (
	ven VARCHAR NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (ven)
);
CREATE TABLE openadr_request (
	ven VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (ven, id)
);
CREATE TABLE openadr_resource (
	id VARCHAR NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE openadr_ven (
	id VARCHAR NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE organisation (
	id VARCHAR(64) NOT NULL, 
	did VARCHAR(512) NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE permission_request (
	id VARCHAR(32) NOT NULL, 
	subject VARCHAR(32) NOT NULL, 
	body TEXT NOT NULL, 
	asked FLOAT NOT NULL, 
	answered FLOAT, 
	ground VARCHAR(32), 
	PRIMARY KEY (id)
);
CREATE TABLE piece (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	subject VARCHAR NOT NULL, 
	class INTEGER NOT NULL, 
	day INTEGER NOT NULL, 
	sealed BLOB NOT NULL
);
INSERT INTO "piece" VALUES(1,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1,739000,X'0101010101010101');
INSERT INTO "piece" VALUES(2,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1,739000,X'0202020202020202');
INSERT INTO "piece" VALUES(3,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1,739000,X'0303030303030303');
CREATE TABLE retention_days (
	class INTEGER NOT NULL, 
	days INTEGER NOT NULL, 
	PRIMARY KEY (class)
);
INSERT INTO "retention_days" VALUES(1,5);
CREATE TABLE session (
	lookup BLOB NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	subject VARCHAR(32) NOT NULL, 
	expires FLOAT NOT NULL, 
	PRIMARY KEY (lookup)
);
CREATE TABLE tenancy (
	id VARCHAR(32) NOT NULL, 
	zone VARCHAR(64) NOT NULL, 
	community VARCHAR(64) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	start FLOAT NOT NULL, 
	"end" FLOAT, 
	erased FLOAT, 
	identity BLOB, 
	PRIMARY KEY (id)
);
CREATE INDEX dsp_process_partner ON dsp_process (partner, partner_pid);
CREATE INDEX dsp_process_agreement ON dsp_process (agreement);
CREATE INDEX dsp_process_recipient ON dsp_process (recipient, state);
CREATE INDEX ix_dsp_agreement_recipient ON dsp_agreement (recipient);
CREATE INDEX ix_dsp_token_transfer ON dsp_token (transfer);
CREATE INDEX ix_dsp_seen_until ON dsp_seen (until);
CREATE INDEX ix_dsp_process_ended ON dsp_process (ended);
CREATE INDEX ix_dsp_agreement_ended ON dsp_agreement (ended);
CREATE INDEX openadr_answer_ven ON openadr_answer (ven);
CREATE INDEX piece_of_day ON piece (subject, class, day);
CREATE UNIQUE INDEX block_of_day ON block (subject, class, day);
CREATE INDEX metering_point_tenancy ON metering_point (tenancy);
CREATE INDEX one_time_code_subject ON one_time_code (subject);
CREATE INDEX access_log_at ON access_log (at);
CREATE INDEX ground_subject ON ground (subject);
CREATE INDEX permission_request_subject ON permission_request (subject);
CREATE INDEX evidence_subject ON evidence (subject_tag);
CREATE INDEX ledger_subject ON ledger (subject_tag);
CREATE INDEX notice_due ON notice (due);
CREATE INDEX notice_key ON notice ("key", number);
CREATE INDEX cohort_cell_start ON cohort_cell (start);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('piece',7);
COMMIT;
